// What holds of the uploader: everything arrives once, three at a time, through any failure that passes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem, Unreachable } from "../../recorder/problem.ts";
import type { Piece } from "../../recorder/protocol.ts";
import { ATTEMPTS } from "../../recorder/retry.ts";
import { Uploader } from "../../recorder/uploader.ts";
import { pieces, serverDown, TestStore, TestWorld, until } from "./world.ts";

function made(perBatch = 50) {
  const world = new TestWorld();
  const store = new TestStore();
  const arrived: number[] = [];
  const uploader = new Uploader(
    world,
    {
      grants: (wanted) => store.grants(wanted),
      put: store.put,
      bytes: async (index) => new Uint8Array([index]).buffer,
      delivered: async ({ index }: Piece) => void arrived.push(index),
    },
    perBatch,
  );
  return { world, store, uploader, arrived };
}

test("everything arrives, each piece once, three at a time, in few batches", async () => {
  const { store, uploader, arrived } = made();
  for (const piece of pieces(120)) uploader.add(piece);
  await uploader.idle();
  assert.equal(store.there.size, 120);
  assert.deepEqual([...arrived].sort((a, b) => a - b), pieces(120).map(({ index }) => index));
  assert.equal(store.mostUnderway, 3);
  assert.ok(store.batches.every((asked) => asked.length <= 50));
  assert.ok(store.batches.length <= 5, `${store.batches.length} batches`);
  assert.equal(uploader.deliveredBytes, uploader.totalBytes);
});

test("a piece that is added when all was idle is sent too", async () => {
  const { store, uploader } = made();
  uploader.add(pieces(1)[0]!);
  await uploader.idle();
  uploader.add(pieces(2)[1]!);
  await uploader.idle();
  assert.deepEqual([...store.there.keys()], ["0", "1"]);
});

test("a store that is down for a while loses nothing, and a failed piece is granted anew", async () => {
  const { store, uploader, world } = made();
  let failures = 10;
  store.fail = () => (failures-- > 0 ? serverDown() : null);
  for (const piece of pieces(5)) uploader.add(piece);
  await uploader.idle();
  assert.equal(store.there.size, 5);
  assert.ok(world.waits.length >= 10);
});

test("grants that have run out are not used", async () => {
  const { store, uploader, world } = made();
  let first = true;
  store.fail = () => {
    if (!first) return null;
    first = false;
    void world.sleep(120_000); // The laptop slept: the other grants of the batch are dead.
    return new Unreachable();
  };
  for (const piece of pieces(10)) uploader.add(piece);
  await uploader.idle();
  assert.equal(store.there.size, 10);
  assert.ok(store.batches.length > 1);
});

test("after eight failures it says that it is stuck, and still goes on by itself", async () => {
  const { store, uploader } = made();
  const seen: string[] = [];
  uploader.onchange = () => seen.push(uploader.condition);
  let failures = ATTEMPTS + 2;
  store.fail = () => (failures-- > 0 ? new Unreachable() : null);
  uploader.add(pieces(1)[0]!);
  await uploader.idle();
  assert.deepEqual(seen, ["stuck", "moving"]);
});

test("offline, it waits without using up attempts", async () => {
  const { store, uploader, world } = made();
  world.connected = false;
  for (const piece of pieces(3)) uploader.add(piece);
  await until(() => uploader.condition === "offline");
  assert.equal(store.batches.length, 0);
  world.connected = true;
  await uploader.idle();
  assert.equal(store.there.size, 3);
  assert.deepEqual(world.waits, []);
});

test("what the cell refuses is told to whoever waits, and nothing more is sent", async () => {
  const { store, uploader } = made();
  store.grants = async () => {
    throw new Problem(413, "over-limit", "");
  };
  for (const piece of pieces(9)) uploader.add(piece);
  await assert.rejects(uploader.idle(), { slug: "over-limit" });
  await assert.rejects(uploader.idle(), { slug: "over-limit" });
  assert.equal(uploader.condition, "refused");
  assert.equal(store.there.size, 0);
});

test("pieces that had arrived before count, and are not sent again", async () => {
  const { store, uploader } = made();
  const [first, second] = pieces(2);
  uploader.add(first!, true);
  uploader.add(second!);
  await uploader.idle();
  assert.deepEqual([...store.there.keys()], ["1"]);
  assert.equal(uploader.deliveredBytes, 20);
});

test("stopped, it sends nothing more", async () => {
  const { store, uploader } = made();
  for (const piece of pieces(50)) uploader.add(piece);
  await until(() => store.there.size > 3);
  uploader.stop();
  const sent = store.there.size;
  await until(() => store.underway === 0);
  assert.ok(store.there.size <= sent + 3);
});
