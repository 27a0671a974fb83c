// Relative times, in the visitor's language.
import assert from "node:assert/strict";
import { test } from "node:test";
import { age } from "../../app/ages.ts";

const NOW = Date.UTC(2026, 10, 24, 12);
const before = (seconds: number, language = "en") => age(NOW - seconds * 1000, NOW, language);

test("the largest whole unit", () => {
  assert.equal(before(20), "20 seconds ago");
  assert.equal(before(3 * 60), "3 minutes ago");
  assert.equal(before(2 * 3600 + 3000), "2 hours ago");
  assert.equal(before(86_400), "1 day ago");
  assert.equal(before(-3 * 86_400), "in 3 days");
});

test("in the visitor's language", () => assert.match(before(2 * 86_400, "de"), /^vor 2 Tagen$/));
