// Sentences with places in them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fill } from "../../app/texts.ts";

test("places are filled, whatever stands in them", () => {
  assert.equal(fill("Ready: {title}", { title: "$& {x}" }), "Ready: $& {x}");
  assert.equal(fill("{a} {b}", { a: "1" }), "1 {b}");
});
