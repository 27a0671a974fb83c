// The small picture over the seek bar: which moment lies under the pointer.
import { clock } from "./clock.ts";
import { frameAt, parseStoryboard, type Frame } from "./vtt.ts";

export class Preview {
  private frames: Frame[] | null = null; // null: not asked for yet
  private second = 0; // the moment under the pointer
  private readonly bar: HTMLElement;
  private readonly url: string | undefined;
  private readonly image: string | undefined;
  private readonly place: HTMLElement;
  private readonly picture: HTMLElement;
  private readonly words: HTMLElement;

  /** `url` of the WebVTT and `image` of its sprite; without them only the time is shown. */
  constructor(bar: HTMLElement, url: string | undefined, image: string | undefined) {
    [this.bar, this.url, this.image] = [bar, url, image];
    this.place = bar.querySelector(".player-preview") as HTMLElement;
    this.picture = this.place.querySelector(".player-frame") as HTMLElement;
    this.words = this.place.querySelector(".number") as HTMLElement;
  }

  /** Show the moment at this share (0..1) of `length` seconds. */
  show(share: number, length: number): void {
    if (this.frames === null) void this.load();
    this.second = share * length;
    this.words.textContent = clock(this.second);
    this.draw();
    this.place.hidden = false;
    const [room, width] = [this.bar.clientWidth, this.place.offsetWidth];
    this.place.style.translate = `${Math.min(Math.max(0, share * room - width / 2), room - width)}px 0`;
  }

  hide(): void {
    this.place.hidden = true;
  }

  /** Asked for at the first hover: most visitors never do. */
  private async load(): Promise<void> {
    this.frames = [];
    if (!this.url) return;
    try {
      const answer = await fetch(this.url);
      if (answer.ok) this.frames = parseStoryboard(await answer.text());
      this.draw(); // the pointer may rest where it asked
    } catch {
      // The time alone is shown; the video itself is not touched by this.
    }
  }

  private draw(): void {
    const frame = frameAt(this.frames ?? [], this.second);
    this.picture.hidden = frame === undefined;
    if (!frame) return;
    const style = this.picture.style;
    style.inlineSize = `${frame.w}px`;
    style.blockSize = `${frame.h}px`;
    style.backgroundImage = `url(${JSON.stringify(this.image)})`;
    style.backgroundPosition = `-${frame.x}px -${frame.y}px`;
  }
}
