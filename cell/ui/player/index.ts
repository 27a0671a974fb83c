// <cell-player>: the controls around a <video>. Without this script the browser's own controls stand in.
import { clock } from "./clock.ts";
import { actOf, nextSpeed, type Act } from "./keys.ts";
import { Preview } from "./preview.ts";
import { Recovery } from "./recovery.ts";

const IDLE_MS = 2500; // the controls leave the picture alone after this, while it plays

class CellPlayer extends HTMLElement {
  private video!: HTMLVideoElement;
  private range!: HTMLInputElement;
  private recovery!: Recovery;
  private readonly life = new AbortController();
  private idle = 0;

  connectedCallback(): void {
    this.video = this.child("video");
    this.range = this.child(".player-range");
    this.recovery = new Recovery(this.video, (failed) => (this.child(".player-trouble").hidden = !failed));
    this.video.controls = false;
    this.child(".player-bar").hidden = false;
    this.child(".player-picture").hidden = !document.pictureInPictureEnabled;
    this.listenToVideo();
    this.listenToVisitor();
    this.listenToSeekBar();
    this.draw();
  }

  disconnectedCallback(): void {
    this.life.abort();
  }

  private child<T extends HTMLElement>(selector: string): T {
    return this.querySelector<T>(selector) as T;
  }

  /** Seconds. Our own measure until the file has told its own. */
  private get length(): number {
    const told = this.video.duration;
    return Number.isFinite(told) ? told : Number(this.dataset["durationMs"] ?? 0) / 1000;
  }

  private listenToVideo(): void {
    const { signal } = this.life;
    const events = ["play", "pause", "ended", "timeupdate", "progress", "durationchange", "volumechange", "ratechange", "seeking", "seeked"];
    for (const name of events) this.video.addEventListener(name, () => this.draw(), { signal });
    const wait = this.child(".player-wait");
    for (const name of ["waiting", "stalled"]) this.video.addEventListener(name, () => (wait.hidden = this.video.paused), { signal });
    for (const name of ["playing", "canplay", "pause", "error"]) this.video.addEventListener(name, () => (wait.hidden = true), { signal });
    this.video.addEventListener("play", () => this.stir(), { signal });
    this.video.addEventListener("click", () => this.perform({ do: "toggle" }), { signal });
    document.addEventListener("fullscreenchange", () => this.draw(), { signal });
  }

  private listenToVisitor(): void {
    const { signal } = this.life;
    this.addEventListener("click", (event) => this.onButton((event.target as Element).closest<HTMLElement>("[data-do]")?.dataset["do"]), { signal });
    this.addEventListener("pointermove", () => this.stir(), { signal });
    this.addEventListener("focusin", () => this.stir(), { signal });
    this.child<HTMLSelectElement>("[data-speed]").addEventListener("change", (event) => {
      this.video.playbackRate = Number((event.target as HTMLSelectElement).value);
    }, { signal });
    const loudness = this.child<HTMLInputElement>(".player-loudness");
    loudness.addEventListener("input", () => this.setVolume(Number(loudness.value)), { signal });
    document.addEventListener("keydown", (event) => this.onKey(event), { signal });
  }

  private listenToSeekBar(): void {
    const { signal } = this.life;
    const bar = this.child(".player-seek");
    const preview = new Preview(bar, this.dataset["storyboard"], this.dataset["storyboardImage"]);
    this.range.addEventListener("input", () => this.seek(Number(this.range.value)), { signal });
    bar.addEventListener("pointermove", (event) => {
      const { left, width } = bar.getBoundingClientRect();
      preview.show(Math.min(1, Math.max(0, (event.clientX - left) / width)), this.length);
    }, { signal });
    for (const name of ["pointerleave", "pointercancel"]) bar.addEventListener(name, () => preview.hide(), { signal });
  }

  private onButton(name: string | undefined): void {
    if (name === "toggle" || name === "mute" || name === "full") this.perform({ do: name });
    else if (name === "picture") void this.togglePicture();
    else if (name === "retry") this.recovery.again();
  }

  /** Keys work all over the page but in fields and dialogs; on a button, space stays the button's own. */
  private onKey(event: KeyboardEvent): void {
    const target = event.target as Element;
    if (target.closest("dialog[open], textarea, select, input:not([type=range])")) return;
    if (event.key === " " && target.closest("button, a, summary")) return;
    if (event.key.startsWith("Arrow") && target.closest(".player-loudness")) return;
    const act = actOf(event);
    if (!act) return;
    event.preventDefault();
    this.stir();
    this.perform(act);
  }

  private perform(act: Act): void {
    if (act.do === "toggle") void (this.video.paused ? this.play() : this.video.pause());
    else if (act.do === "mute") this.video.muted = !this.video.muted;
    else if (act.do === "full") void this.toggleFull();
    else if (act.do === "jump") this.seek(this.video.currentTime + act.by);
    else if (act.do === "part") this.seek(this.length * act.of);
    else if (act.do === "louder") this.setVolume(this.video.volume + act.by);
    else this.video.playbackRate = nextSpeed(this.video.playbackRate, act.by);
  }

  private async play(): Promise<void> {
    try {
      await this.video.play();
    } catch {
      // Refused or cut off by a pause; what fails for good arrives as the video's "error".
    }
  }

  private seek(second: number): void {
    this.video.currentTime = Math.min(Math.max(0, second), this.length);
    this.draw();
  }

  private setVolume(volume: number): void {
    this.video.volume = Math.min(1, Math.max(0, volume));
    this.video.muted = this.video.volume === 0;
  }

  private async toggleFull(): Promise<void> {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (this.requestFullscreen) await this.requestFullscreen();
    else (this.video as HTMLVideoElement & { webkitEnterFullscreen?: () => void }).webkitEnterFullscreen?.(); // iPhone
  }

  private async togglePicture(): Promise<void> {
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await this.video.requestPictureInPicture();
  }

  /** The visitor moved: show the controls, and hide them again when nothing happens while it plays. */
  private stir(): void {
    clearTimeout(this.idle);
    delete this.dataset["idle"];
    if (!this.video.paused) this.idle = window.setTimeout(() => (this.dataset["idle"] = ""), IDLE_MS);
  }

  private draw(): void {
    const { currentTime, paused, muted, volume, buffered } = this.video;
    const length = this.length || 1;
    this.range.max = String(this.length);
    this.range.value = String(currentTime);
    this.range.setAttribute("aria-valuetext", `${clock(currentTime)} / ${clock(this.length)}`);
    this.range.style.setProperty("--done", String(currentTime / length));
    const loaded = [...Array(buffered.length).keys()].map((n) => (buffered.start(n) <= currentTime + 1 ? buffered.end(n) : 0));
    this.range.style.setProperty("--loaded", String(Math.max(0, ...loaded) / length));
    this.child("[data-now]").textContent = clock(currentTime);
    this.child("[data-all]").textContent = clock(this.length);
    this.mark(".player-play", !paused);
    this.mark(".player-mute", muted || volume === 0);
    this.mark(".player-full", this.matches(":fullscreen"));
    const loudness = this.child<HTMLInputElement>(".player-loudness");
    loudness.value = String(muted ? 0 : volume);
    loudness.style.setProperty("--done", loudness.value);
    this.child<HTMLSelectElement>("[data-speed]").value = String(this.video.playbackRate);
    this.child(".player-start").hidden = !paused || currentTime > 0;
    if (paused) this.stir();
  }

  /** A button of two sides shows, and is read out as, what it would do. */
  private mark(selector: string, active: boolean): void {
    const button = this.child(selector);
    button.toggleAttribute("data-active", active);
    button.setAttribute("aria-label", (active ? button.dataset["on"] : button.dataset["off"]) ?? "");
  }
}

customElements.define("cell-player", CellPlayer);
