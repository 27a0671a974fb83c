// What holds of a recording on its way: spooled first, finished only when whole, kept until ready, taken up again.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Delivery, type Means, TooLarge } from "../../recorder/delivery.ts";
import { MemorySpool, SpoolFull } from "../../recorder/spool.ts";
import { TestStore, TestWorld, until } from "./world.ts";

const WHAT = { source: "screen", mediaType: "video/webm", workspace: "Acme", title: "Broken cart", replaces: null } as const;
const LIMITS = { chunk_bytes: 100, chunks: 10, bytes: 500, seconds: 60, batch: 5 };

/** A cell in twenty lines: one recording, its state, and whether its token is still good. */
class TestCell {
  state = "created";
  token = "upload-1";
  expired = false;
  missing: number[] = [];
  manifest: unknown = null;

  answer = ({ url, token, body }: { url: string; token: string | null; body: any }) => {
    const problem = (status: number, slug: string, more = {}) => ({ status, body: { type: `/problems/${slug}`, ...more } });
    const path = url.split("/").pop();
    if (url === "/start") {
      return { status: 201, body: { recording_id: "one", resume_token: "resume", upload_token: this.token, base: "/up/one", limits: LIMITS } };
    }
    if (path === "token") return this.#fresh();
    if (path === "resume") return this.state === "gone" ? problem(409, "recording-closed") : this.#fresh();
    if (path === "discard") return { status: 204 };
    if (path === "one") return { status: 200, body: { state: this.state, reason: null } };
    if (this.expired || token !== this.token) return problem(401, "upload-token-expired");
    if (path === "grants") {
      if (!["created", "recording"].includes(this.state)) return problem(409, "recording-closed");
      this.state = "recording";
      return { status: 200, body: { grants: body.chunks.map(({ index }: { index: number }) => ({ index, url: String(index), headers: {} })), expires_in: 60 } };
    }
    if (this.missing.length > 0) return problem(409, "chunks-missing", { missing: this.missing.splice(0) });
    if (this.state !== "recording") return problem(409, "manifest-differs");
    this.manifest = body;
    this.state = "ready";
    return { status: 202, body: { state: "finishing" } };
  };

  #fresh() {
    this.state = this.state === "ready" ? "recording" : this.state;
    this.expired = false;
    this.token = `upload-${Math.random()}`;
    return { status: 200, body: { state: "recording", upload_token: this.token } };
  }
}

let cell: TestCell;
let world: TestWorld;
let store: TestStore;
let spool: MemorySpool;
let means: Means;

beforeEach(() => {
  cell = new TestCell();
  world = new TestWorld();
  world.answer = cell.answer;
  store = new TestStore();
  spool = new MemorySpool();
  means = { world, spool, put: store.put };
});

const begun: Delivery[] = [];

async function begin(): Promise<Delivery> {
  const delivery = await Delivery.start(means, "/start", WHAT);
  begun.push(delivery);
  return delivery;
}

afterEach(() => {
  for (const delivery of begun.splice(0)) delivery.stop();
});

const bytes = (size: number) => new Blob([new Uint8Array(size)]);

test("a recording goes through: started, sent, finished, ready, gone from the spool", async () => {
  const delivery = await begin();
  for (const size of [10, 20, 30]) await delivery.add(bytes(size));
  assert.equal((await spool.pieces("one")).length, 3);
  await delivery.send(3000);
  assert.deepEqual((cell.manifest as { chunks: { size: number }[] }).chunks.map(({ size }) => size), [10, 20, 30]);
  assert.equal((await spool.list())[0]?.sent, true);
  assert.deepEqual(await delivery.outcome(), { state: "ready", reason: null });
  assert.deepEqual(await spool.list(), []);
});

test("a piece is in the spool before anything of it is sent", async () => {
  const delivery = await begin();
  const kept: number[] = [];
  store.fail = () => void spool.pieces("one").then((all) => kept.push(all.length));
  await delivery.add(bytes(10));
  await delivery.send(0);
  assert.deepEqual(kept, [1]);
});

test("bytes above the limit of one piece are cut, and joined they are the same", async () => {
  const delivery = await begin();
  await delivery.add(bytes(250));
  assert.deepEqual((await spool.pieces("one")).map(({ size }) => size), [100, 100, 50]);
  assert.equal((await delivery.copy()).size, 250);
});

test("more than a recording may hold is refused, and what came before is still sent", async () => {
  const delivery = await begin();
  await delivery.add(bytes(100));
  await assert.rejects(delivery.add(bytes(450)), TooLarge);
  await delivery.send(0);
  assert.equal(cell.state, "ready");
});

test("a full spool is told, and what fitted is still sent", async () => {
  means.spool = spool = new MemorySpool(150);
  const delivery = await begin();
  await delivery.add(bytes(100));
  await assert.rejects(delivery.add(bytes(100)), SpoolFull);
  await delivery.send(0);
  assert.equal((cell.manifest as { chunks: unknown[] }).chunks.length, 1);
});

test("an upload token that expired is renewed, unseen", async () => {
  const delivery = await begin();
  cell.expired = true;
  await delivery.add(bytes(10));
  await delivery.send(0);
  assert.equal(cell.state, "ready");
});

test("a recording that the sweep finished meanwhile is reopened and completed", async () => {
  const delivery = await begin();
  await delivery.add(bytes(10));
  cell.state = "ready";
  await delivery.add(bytes(20));
  await delivery.send(0);
  assert.equal((cell.manifest as { chunks: unknown[] }).chunks.length, 2);
});

test("what the cell misses at the end is sent again", async () => {
  const delivery = await begin();
  await delivery.add(bytes(10));
  await delivery.add(bytes(20));
  cell.missing = [1];
  await delivery.send(0);
  assert.equal(world.asked.filter(({ url }) => url.endsWith("/finish")).length, 2);
  assert.equal(cell.state, "ready");
});

test("an interrupted recording is taken up with what had arrived and what had not", async () => {
  const first = await begin();
  await first.add(bytes(10));
  first.stop();
  await spool.put("one", { index: 1, size: 20, sha256: "x" }, new ArrayBuffer(20));
  const [left] = await spool.list();
  const again = await Delivery.reopen(means, left!);
  begun.push(again);
  await again.send(2000);
  assert.equal((cell.manifest as { chunks: unknown[] }).chunks.length, 2);
});

test("too late to go on: told, and the spool is untouched", async () => {
  const first = await begin();
  await first.add(bytes(10));
  first.stop();
  cell.state = "gone";
  await assert.rejects(Delivery.reopen(means, (await spool.list())[0]!), { slug: "recording-closed" });
  assert.equal((await spool.pieces("one")).length, 1);
});

test("discarded: deleted at the cell, then here, and no late piece comes after", async () => {
  const delivery = await begin();
  const late = delivery.add(bytes(50));
  assert.equal(await delivery.discard(), true);
  await late;
  assert.deepEqual(await spool.pieces("one"), []);
  assert.deepEqual(await spool.list(), []);
});

test("a chosen file is sent in slices, and its copy is known to be whole", async () => {
  const delivery = await begin();
  await delivery.addFile(bytes(250), 80, true);
  assert.equal((await spool.list())[0]?.fileBytes, 250);
  assert.deepEqual((await spool.pieces("one")).map(({ size }) => size), [80, 80, 80, 10]);
  await delivery.send(0);
  assert.equal(cell.state, "ready");
});

test("a file that is too large to copy is sent from itself, and nothing of it is left to take up later", async () => {
  const delivery = await begin();
  await delivery.addFile(bytes(250), 80, false);
  await delivery.send(0);
  assert.deepEqual(await spool.list(), []);
  assert.equal(store.there.size, 4);
  assert.equal(cell.state, "ready");
});

test("during a long pause the cell hears that the page is still there", async () => {
  await begin();
  await until(() => world.asked.filter(({ url }) => url.endsWith("/grants")).length > 2);
  assert.deepEqual(world.asked.at(-1)?.body, { chunks: [] });
});

test("a recording that failed stays in the spool", async () => {
  const delivery = await begin();
  await delivery.add(bytes(10));
  await delivery.send(0);
  cell.state = "failed";
  assert.equal((await delivery.outcome())?.state, "failed");
  assert.equal((await spool.pieces("one")).length, 1);
});

test("a copy holds the piece that is just being kept", async () => {
  const delivery = await begin();
  void delivery.add(bytes(30));
  assert.equal((await delivery.copy()).size, 30);
});
