// A video whose address expired: asked again, goes on at the same place, and says so only when it is really lost.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Recovery } from "../../player/recovery.ts";

/** As much of a <video> as recovery touches. */
class Video extends EventTarget {
  currentTime = 0;
  error: unknown = null;
  seeking = false;
  loads = 0;
  plays = 0;
  load(): void {
    this.loads++;
    this.currentTime = 0;
  }
  play(): Promise<void> {
    this.plays++;
    return Promise.resolve();
  }
  tell(name: string): void {
    this.dispatchEvent(new Event(name));
  }
  playTo(second: number): void {
    this.tell("play");
    this.currentTime = second;
    this.tell("timeupdate");
  }
  fail(): void {
    this.error = {};
    this.tell("error");
    mock.timers.runAll();
    this.error = null;
  }
}

let video: Video;
let told: boolean[];
let recovery: Recovery;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  video = new Video();
  told = [];
  recovery = new Recovery(video as unknown as HTMLVideoElement, (failed) => told.push(failed));
});

test("loads again and goes on playing where it stopped", () => {
  video.playTo(42);
  video.fail();
  assert.equal(video.loads, 1);
  video.tell("loadedmetadata");
  assert.equal(video.currentTime, 42);
  assert.equal(video.plays, 1);
});

test("a video that was paused stays paused", () => {
  video.playTo(42);
  video.tell("pause");
  video.fail();
  video.tell("loadedmetadata");
  assert.equal(video.currentTime, 42);
  assert.equal(video.plays, 0);
});

test("gives up after three attempts without progress, and the visitor may ask again", () => {
  video.playTo(5);
  for (let attempt = 0; attempt < 3; attempt++) video.fail();
  assert.deepEqual(told, []);
  video.fail();
  assert.deepEqual(told, [true]);
  assert.equal(video.loads, 3);
  recovery.again();
  assert.deepEqual(told, [true, false]);
  assert.equal(video.loads, 4);
});

test("progress in between makes the attempts fresh", () => {
  for (let round = 1; round <= 5; round++) {
    video.playTo(round * 60);
    video.fail();
    video.tell("loadedmetadata");
  }
  assert.equal(told.includes(true), false);
  assert.equal(video.loads, 5);
});
