// The storyboard's WebVTT: what is read from it, and which frame belongs to a moment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { frameAt, parseStoryboard } from "../../player/vtt.ts";

const CUES = `WEBVTT

NOTE made by the worker

00:00.000 --> 00:05.000
storyboard.jpg#xywh=0,0,160,90

second
00:05.000 --> 00:10.500 align:start
storyboard.jpg#xywh=160,0,160,90

01:00:00.000 --> 01:00:05.000
storyboard.jpg#xywh=0,90,160,90
`;

test("reads times with and without hours, cue names, settings and notes", () => {
  assert.deepEqual(parseStoryboard(CUES), [
    { start: 0, end: 5, x: 0, y: 0, w: 160, h: 90 },
    { start: 5, end: 10.5, x: 160, y: 0, w: 160, h: 90 },
    { start: 3600, end: 3605, x: 0, y: 90, w: 160, h: 90 },
  ]);
});

test("reads files with Windows line ends", () => {
  assert.deepEqual(parseStoryboard(CUES.replaceAll("\n", "\r\n")), parseStoryboard(CUES));
});

test("leaves out what it does not understand", () => {
  const odd = "WEBVTT\n\n00:00.000 --> 00:05.000\nplain words\n\n00:xx --> 00:05.000\na.jpg#xywh=0,0,1,1\n\n00:01.000 --> 00:02.000";
  assert.deepEqual(parseStoryboard(odd), []);
  assert.deepEqual(parseStoryboard(""), []);
});

test("finds the frame of a moment; the last one covers the rest", () => {
  const frames = parseStoryboard(CUES);
  assert.equal(frameAt(frames, 0)?.x, 0);
  assert.equal(frameAt(frames, 4.999)?.x, 0);
  assert.equal(frameAt(frames, 5)?.x, 160);
  assert.equal(frameAt(frames, 99_999)?.y, 90);
  assert.equal(frameAt([], 1), undefined);
});
