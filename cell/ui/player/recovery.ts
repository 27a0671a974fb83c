// The address behind a video's src is signed and dies after a while. When loading fails, the same src is asked again
// (which leads to a fresh address) and playing goes on where it stopped.

const ATTEMPTS = 3; // without a second of progress in between
const PAUSE_MS = [0, 1000, 4000];

export class Recovery {
  private readonly video: HTMLVideoElement;
  private readonly tell: (failed: boolean) => void;
  private attempts = 0;
  private at = 0; // seconds: where to go on
  private wasPlaying = false;

  /** `tell(true)` when all attempts failed, `tell(false)` as soon as it plays again. */
  constructor(video: HTMLVideoElement, tell: (failed: boolean) => void) {
    [this.video, this.tell] = [video, tell];
    video.addEventListener("error", () => this.onError());
    video.addEventListener("loadedmetadata", () => this.goOn());
    video.addEventListener("timeupdate", () => this.onProgress());
    video.addEventListener("play", () => (this.wasPlaying = true));
    video.addEventListener("pause", () => {
      if (!video.error) this.wasPlaying = false;
    });
  }

  /** The visitor asks for another try. */
  again(): void {
    this.attempts = 0;
    this.tell(false);
    this.video.load();
  }

  private onError(): void {
    const pause = PAUSE_MS[this.attempts++];
    if (this.attempts > ATTEMPTS || pause === undefined) return this.tell(true);
    setTimeout(() => this.video.load(), pause);
  }

  private goOn(): void {
    this.tell(false);
    if (this.at > 0) this.video.currentTime = this.at;
    if (this.wasPlaying) void this.video.play().catch(() => undefined); // a visitor may have paused meanwhile
  }

  private onProgress(): void {
    const { currentTime, error, seeking } = this.video;
    if (error || seeking || currentTime === 0) return;
    if (currentTime - this.at >= 1) this.attempts = 0;
    this.at = currentTime;
  }
}
