// What holds of the small parts: steps, words, clocks, media types, loudness, the stopwatch.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { faultOf, loudness } from "../../recorder/capture.ts";
import { problemOf } from "../../recorder/problem.ts";
import { clock, megabytes, percent, say, speak } from "../../recorder/say.ts";
import { losesWhenClosed, mayFollow } from "../../recorder/steps.ts";
import { Stopwatch } from "../../recorder/stopwatch.ts";
import { bestMediaType } from "../../recorder/take.ts";
import { TEXTS } from "../../recorder/texts.ts";
import { TROUBLES } from "../../recorder/troubles.ts";

test("the texts of the script and those listed for translation are the same", () => {
  const listed = readFileSync(new URL("../../../recordings/recorder_texts.py", import.meta.url), "utf-8");
  const marked = [...listed.matchAll(/^ {4}_\(((?:\s*"[^"]*")+)\s*\)/gm)].map(([, parts]) =>
    [...(parts ?? "").matchAll(/"([^"]*)"/g)].map(([, part]) => part).join(""),
  );
  assert.deepEqual(marked.sort(), [...TEXTS].sort());
});

test("every trouble has a way out", () => {
  for (const [name, { ways }] of Object.entries(TROUBLES)) assert.ok(ways.length > 0, name);
});

test("trouble may come at any time; nothing is sent that was not reviewed", () => {
  assert.ok(mayFollow("recording", "problem"));
  assert.ok(mayFollow("countdown", "countdown"));
  assert.ok(!mayFollow("recording", "sending"));
  assert.ok(!mayFollow("preview", "recording"));
});

test("closing the tab is warned of only while something would be lost", () => {
  assert.ok(losesWhenClosed({ name: "sending" }));
  assert.ok(!losesWhenClosed({ name: "done", outcome: null, source: "screen" }));
  assert.ok(!losesWhenClosed({ name: "welcome", note: null }));
});

test("a sentence is translated, filled in, and English where there is no translation", () => {
  speak({ Stop: "Stopp", "Send to {name}": "An {name} senden" }, "de");
  assert.equal(say("Stop"), "Stopp");
  assert.equal(say("Send to {name}", { name: "Anna {x} $1" }), "An Anna {x} $1 senden");
  assert.equal(say("Pause"), "Pause");
  speak({}, "en");
});

test("times and sizes are written as people read them", () => {
  assert.deepEqual([0, 9_999, 61_000, 3_600_000, 7_325_000].map(clock), ["0:00", "0:09", "1:01", "1:00:00", "2:02:05"]);
  assert.equal(megabytes(1_260_000), "1.3 MB");
  assert.equal(megabytes(25_400_000), "25 MB");
  assert.equal(percent(999, 1000), "99%");
  assert.equal(percent(1000, 1000), "100%");
  assert.equal(percent(0, 0), "0%");
});

test("the best type that the browser can write is chosen", () => {
  assert.equal(bestMediaType(() => true), "video/webm;codecs=vp9,opus");
  assert.equal(bestMediaType((type) => type.startsWith("video/mp4")), "video/mp4;codecs=avc1.42E01F,mp4a.40.2");
  assert.equal(bestMediaType(() => false), null);
});

test("faults are told by what the customer can do about them", () => {
  assert.equal(faultOf({ name: "NotAllowedError", message: "Permission denied" }, "screen"), "nothing-shared");
  assert.equal(faultOf({ name: "NotAllowedError", message: "Permission denied by system" }, "screen"), "blocked-by-system");
  assert.equal(faultOf({ name: "NotAllowedError", message: "" }, "microphone"), "denied");
  assert.equal(faultOf({ name: "NotFoundError", message: "" }, "camera"), "no-device");
  assert.equal(faultOf({ name: "NotReadableError", message: "" }, "camera"), "busy");
});

test("silence is nothing, a full voice is all", () => {
  assert.equal(loudness(new Float32Array(512)), 0);
  assert.equal(loudness(new Float32Array(512).fill(0.5)), 1);
  const soft = loudness(new Float32Array(512).fill(0.01));
  assert.ok(soft > 0.3 && soft < 0.5, String(soft));
});

test("pauses do not count", () => {
  let now = 0;
  const watch = new Stopwatch(() => now);
  watch.run();
  now = 1000;
  watch.hold();
  now = 5000;
  watch.run();
  watch.run(); // Twice is once.
  now = 6500;
  assert.equal(watch.ms, 2500);
});

test("a stated problem is understood, and a proxy's page is no mystery", async () => {
  const stated = await problemOf(
    new Response(JSON.stringify({ type: "/problems/link-used-up", title: "Used", detail: "Ask for a new one." }), { status: 410 }),
  );
  assert.deepEqual([stated.status, stated.slug, stated.message], [410, "link-used-up", "Ask for a new one."]);
  const page = await problemOf(new Response("<h1>Bad gateway</h1>", { status: 502, headers: { "Retry-After": "3" } }));
  assert.deepEqual([page.status, page.slug, page.retryAfterS], [502, "http-502", 3]);
});
