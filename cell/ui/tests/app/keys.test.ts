// The library under the keyboard.
import assert from "node:assert/strict";
import { test } from "node:test";
import { actOf, move } from "../../app/keys.ts";

const press = (key: string, ctrlKey = false) => actOf({ key, ctrlKey, metaKey: false, altKey: false });

test("what the keys mean", () => {
  assert.equal(press("/"), "search");
  assert.equal(press("?"), "help");
  assert.equal(press("c"), "copy");
  assert.equal(press("n"), "new");
  assert.equal(press("ArrowDown"), "down");
});

test("copying with the browser's own keys stays the browser's", () => assert.equal(press("c", true), null));

test("a list moves by one and stops at its ends", () => {
  assert.equal(move("down", 0, 3, 1, false), 1);
  assert.equal(move("up", 0, 3, 1, false), 0);
  assert.equal(move("down", 2, 3, 1, false), 2);
  assert.equal(move("right", 1, 3, 1, false), 1);
});

test("a grid moves by rows and by columns, and stays in place where a row is short", () => {
  assert.equal(move("down", 1, 8, 3, false), 4);
  assert.equal(move("up", 4, 8, 3, false), 1);
  assert.equal(move("right", 1, 8, 3, false), 2);
  assert.equal(move("down", 5, 8, 3, false), 5);
});

test("right to left, the arrow to the left goes on", () => {
  assert.equal(move("left", 1, 8, 3, true), 2);
  assert.equal(move("right", 1, 8, 3, true), 0);
});

test("nothing selected yet starts at the first; an empty list has nowhere to go", () => {
  assert.equal(move("down", -1, 8, 1, false), 0);
  assert.equal(move("last", 3, 8, 1, false), 7);
  assert.equal(move("down", -1, 0, 1, false), -1);
});
