// A page that is part of a trace names it in what it asks the cell, beside the headers that are there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, traced } from "../../recorder/world.ts";

test("a traced page names its trace", async () => {
  const seen: Headers[] = [];
  const world = { ...browser, fetch: async (_: string, init: RequestInit) => (seen.push(new Headers(init.headers)), new Response()) };
  await traced(world, "00-a-b-01").fetch("/x", { headers: { Authorization: "Bearer t" } });
  await traced(world, null).fetch("/x", { headers: { Authorization: "Bearer t" } });
  assert.equal(seen[0]?.get("traceparent"), "00-a-b-01");
  assert.equal(seen[0]?.get("authorization"), "Bearer t");
  assert.equal(seen[1]?.get("traceparent"), null);
});
