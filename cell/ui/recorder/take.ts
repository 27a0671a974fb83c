// One take: MediaRecorder on a capture, giving its bytes about every second.
import type { Capture } from "./capture.ts";
import { Stopwatch } from "./stopwatch.ts";

/** What is lost at most when the browser dies. */
const SLICE_MS = 1_000;

/** Best first: VP9 keeps text sharp at few bytes; MP4 for browsers that write nothing else. */
const MEDIA_TYPES = [
  "video/webm;codecs=vp9,opus",
  "video/webm;codecs=vp8,opus",
  "video/webm",
  "video/mp4;codecs=avc1.42E01F,mp4a.40.2",
  "video/mp4;codecs=avc1,opus",
  "video/mp4",
];

/** The best type that the browser can write, or null. */
export function bestMediaType(isSupported: (type: string) => boolean): string | null {
  return MEDIA_TYPES.find(isSupported) ?? null;
}

/** Seekable places: MP4 is only cut at these, so they must come each second; WebM is cut anywhere. */
function options(mediaType: string): MediaRecorderOptions & { videoKeyFrameIntervalDuration: number } {
  return { mimeType: mediaType, videoKeyFrameIntervalDuration: mediaType.startsWith("video/mp4") ? 1_000 : 2_000 };
}

export class Take {
  readonly capture: Capture;
  readonly mediaType: string;
  readonly #recorder: MediaRecorder;
  readonly #release: () => void;
  readonly #watch = new Stopwatch(() => performance.now());
  /** Set at the start: the browser also stops a recorder by itself, when its tracks end. */
  #stopped: Promise<unknown> = Promise.resolve();
  #muted = false;

  /** Prepares; nothing is recorded before `start`. Throws where the browser can record nothing. */
  constructor(capture: Capture, onbytes: (bytes: Blob) => void) {
    const wanted = bestMediaType((type) => MediaRecorder.isTypeSupported(type));
    const { stream, release } = capture.mixed();
    this.capture = capture;
    this.#release = release;
    this.#recorder = new MediaRecorder(stream, wanted ? options(wanted) : {});
    this.mediaType = this.#recorder.mimeType || (wanted ?? "video/webm");
    this.#recorder.ondataavailable = ({ data }) => {
      if (data.size > 0) onbytes(data);
    };
  }

  start(): void {
    this.#stopped = new Promise((resolve) => this.#recorder.addEventListener("stop", resolve, { once: true }));
    this.#recorder.start(SLICE_MS);
    this.#watch.run();
  }

  /** Resolves when the last bytes have been given. All devices are let go. */
  async stop(): Promise<void> {
    this.#watch.hold();
    if (this.#recorder.state !== "inactive") this.#recorder.stop();
    await this.#stopped;
    this.#release();
    this.capture.close();
  }

  pause(): void {
    if (this.#recorder.state !== "recording") return;
    this.#recorder.pause();
    this.#watch.hold();
  }

  resume(): void {
    if (this.#recorder.state !== "paused") return;
    this.#recorder.resume();
    this.#watch.run();
  }

  get paused(): boolean {
    return this.#recorder.state === "paused";
  }

  get muted(): boolean {
    return this.#muted;
  }

  set muted(on: boolean) {
    this.#muted = on;
    this.capture.mute(on);
  }

  get elapsedMs(): number {
    return this.#watch.ms;
  }
}
