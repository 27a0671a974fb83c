// What holds when calls fail: how long is waited, how often it is tried, what is not tried again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem, Unreachable } from "../../recorder/problem.ts";
import { ATTEMPTS, backoff, passes, persist } from "../../recorder/retry.ts";
import { TestWorld } from "./world.ts";

test("waits double from half a second to thirty and are spread by chance over their upper half", () => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 8, 20].map((n) => backoff(n, () => 0.999999));
  const shortest = [1, 2, 3, 4, 5, 6, 7, 8, 20].map((n) => backoff(n, () => 0));
  assert.deepEqual(longest.map(Math.round), [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  assert.deepEqual(shortest, [250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
});

test("only faults that pass by themselves are worth another try", () => {
  assert.ok(passes(new Unreachable()));
  for (const status of [408, 429, 500, 503]) assert.ok(passes(new Problem(status, "x", "")), String(status));
  for (const status of [400, 401, 404, 409, 410, 413, 422]) assert.ok(!passes(new Problem(status, "x", "")), String(status));
  assert.ok(!passes(new TypeError("a mistake of ours")));
});

test("a call that fails for a while succeeds in the end", async () => {
  const world = new TestWorld();
  let calls = 0;
  const answer = await persist(world, async () => {
    if (++calls < ATTEMPTS) throw new Unreachable();
    return "here";
  });
  assert.equal(answer, "here");
  assert.equal(world.waits.length, ATTEMPTS - 1);
});

test("after eight attempts the last error is told", async () => {
  let calls = 0;
  const always = async () => {
    throw new Problem(500 + ++calls, "down", "");
  };
  await assert.rejects(persist(new TestWorld(), always), { status: 500 + ATTEMPTS });
  assert.equal(calls, ATTEMPTS);
});

test("a refusal is not asked for twice", async () => {
  let calls = 0;
  const refused = async () => {
    calls++;
    throw new Problem(410, "link-expired", "");
  };
  await assert.rejects(persist(new TestWorld(), refused), { slug: "link-expired" });
  assert.equal(calls, 1);
});

test("a server that says how long to wait is given that time", async () => {
  const world = new TestWorld();
  let calls = 0;
  await persist(world, async () => {
    if (++calls === 1) throw new Problem(429, "too-many-requests", "", 12);
  });
  assert.deepEqual(world.waits, [12_000]);
});

test("time offline is waited out and counts as no attempt", async () => {
  const world = new TestWorld();
  let calls = 0;
  const done = persist(world, async () => {
    if (++calls > 20) return "sent";
    world.connected = false;
    setImmediate(() => (world.connected = true));
    throw new Unreachable();
  });
  assert.equal(await done, "sent");
  assert.deepEqual(world.waits, []);
});
