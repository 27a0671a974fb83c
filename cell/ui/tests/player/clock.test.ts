// Time on the player.
import assert from "node:assert/strict";
import { test } from "node:test";
import { clock } from "../../player/clock.ts";

test("minutes and seconds, hours only where there are any", () => {
  assert.equal(clock(0), "0:00");
  assert.equal(clock(65.9), "1:05");
  assert.equal(clock(3599.99), "59:59");
  assert.equal(clock(3700), "1:01:40");
});

test("a length that is not known yet reads as nothing played", () => {
  assert.equal(clock(NaN), "0:00");
  assert.equal(clock(Infinity), "0:00");
  assert.equal(clock(-3), "0:00");
});
