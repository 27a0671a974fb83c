// Keys of the player.
import assert from "node:assert/strict";
import { test } from "node:test";
import { actOf, nextSpeed, SPEEDS } from "../../player/keys.ts";

const press = (key: string, held: Partial<Record<"ctrlKey" | "metaKey" | "altKey", boolean>> = {}) =>
  actOf({ key, ctrlKey: false, metaKey: false, altKey: false, ...held });

test("the keys that people know", () => {
  assert.deepEqual(press(" "), { do: "toggle" });
  assert.deepEqual(press("k"), { do: "toggle" });
  assert.deepEqual(press("j"), { do: "jump", by: -10 });
  assert.deepEqual(press("l"), { do: "jump", by: 10 });
  assert.deepEqual(press("ArrowLeft"), { do: "jump", by: -5 });
  assert.deepEqual(press("f"), { do: "full" });
  assert.deepEqual(press("<"), { do: "speed", by: -1 });
  assert.deepEqual(press("7"), { do: "part", of: 0.7 });
});

test("capitals mean the same", () => assert.deepEqual(press("M"), press("m")));

test("the browser's own combinations and other keys are left alone", () => {
  assert.equal(press("f", { ctrlKey: true }), null);
  assert.equal(press("ArrowLeft", { altKey: true }), null);
  assert.equal(press("k", { metaKey: true }), null);
  assert.equal(press("x"), null);
  assert.equal(press("Tab"), null);
});

test("speed goes step by step and stays within its ends", () => {
  assert.equal(nextSpeed(1, 1), 1.25);
  assert.equal(nextSpeed(1, -1), 0.75);
  assert.equal(nextSpeed(2, 1), 2);
  assert.equal(nextSpeed(0.5, -1), 0.5);
  assert.equal(nextSpeed(1.1, 1), 1.25);
  assert.ok(SPEEDS.includes(nextSpeed(3, -1)));
});
