// What holds of pieces: cut without a gap, hashed as S3 does, asked for in sensible batches, listed without a hole.
import assert from "node:assert/strict";
import { test } from "node:test";
import { batch, manifest, sha256, slices } from "../../recorder/pieces.ts";
import { pieces } from "./world.ts";

test("slices cover everything once and none exceeds the limit", () => {
  for (const [size, limit] of [[0, 8], [1, 8], [8, 8], [9, 8], [64, 8], [65, 8]] as const) {
    const cut = slices(size, limit);
    assert.equal(cut.reduce((sum, [from, to]) => sum + to - from, 0), size);
    assert.ok(cut.every(([from, to]) => to > from && to - from <= limit));
    cut.forEach(([from], at) => assert.equal(from, at === 0 ? 0 : cut[at - 1]?.[1]));
  }
});

test("the checksum is the base64 that S3 expects", async () => {
  const bytes = new TextEncoder().encode("abc").buffer as ArrayBuffer;
  assert.equal(await sha256(bytes), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="); // FIPS 180-2, B.1
});

test("a batch begins with the piece that is needed and ends at the count", () => {
  const all = pieces(100);
  const first = all[7]!;
  const asked = batch(first, all, 50);
  assert.equal(asked.length, 50);
  assert.equal(asked[0], first);
  assert.equal(new Set(asked.map(({ index }) => index)).size, 50);
});

test("large pieces are not asked for faster than they can be sent before the grant ends", () => {
  const all = pieces(50, 8 * 2 ** 20);
  assert.equal(batch(all[0]!, all, 50).length, 2);
});

test("a piece larger than all that is asked ahead is still asked for", () => {
  const all = pieces(3, 64 * 2 ** 20);
  assert.deepEqual(batch(all[0]!, all, 50), [all[0]]);
});

test("the manifest is in order, whatever order the pieces come in", () => {
  const made = manifest([...pieces(3)].reverse(), 2999.6, "video/webm");
  assert.deepEqual(made.chunks.map(({ sha256 }) => sha256), ["hash-0", "hash-1", "hash-2"]);
  assert.equal(made.duration_ms, 3000);
});

test("a recording with a hole is never called finished", () => {
  assert.throws(() => manifest(pieces(4).filter(({ index }) => index !== 2), 0, ""), /piece 2 is missing/);
});
