import assert from "node:assert/strict";
import { test } from "node:test";
import { relOf } from "../../app/pages.ts";

const press = (key: string, more: object = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

test("the arrows lead to the next and the previous page, the other way round where text runs right to left", () => {
  assert.equal(relOf(press("ArrowRight"), false), "next");
  assert.equal(relOf(press("ArrowLeft"), false), "prev");
  assert.equal(relOf(press("ArrowRight"), true), "prev");
  assert.equal(relOf(press("ArrowLeft"), true), "next");
});

test("other keys, and what the browser means by an arrow with Alt, are left alone", () => {
  for (const key of ["ArrowUp", "n", "Enter"]) assert.equal(relOf(press(key), false), null);
  for (const held of ["ctrlKey", "metaKey", "altKey", "shiftKey"]) assert.equal(relOf(press("ArrowLeft", { [held]: true }), false), null);
});
