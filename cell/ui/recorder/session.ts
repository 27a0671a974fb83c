// The page's course: what happens at each step when the customer acts, or when something gets in the way.
import { Capture } from "./capture.ts";
import type { Config } from "./config.ts";
import { Delivery, type Means, type Progress } from "./delivery.ts";
import { room } from "./disk-spool.ts";
import { hold, isLive } from "./live.ts";
import { FILE_SLICE_BYTES } from "./pieces.ts";
import { Problem } from "./problem.ts";
import type { Claim, Source } from "./protocol.ts";
import type { Spooled } from "./spool.ts";
import { mayFollow, type Step, type Trouble } from "./steps.ts";
import { Take } from "./take.ts";
import { captureTrouble, sendTrouble, startTrouble, type WayOut } from "./troubles.ts";

const COUNTDOWN_S = 3;
/** Below this the recording could not even begin; below the second it may not last. */
const NO_ROOM_BYTES = 20e6;
const LITTLE_ROOM_BYTES = 300e6;

type Review = Extract<Step, { name: "review" }>;

export class Session {
  step: Step = { name: "welcome", note: null };

  readonly config: Config;
  readonly #means: Means;
  readonly #show: (step: Step) => void;
  #watchers = new Set<(progress: Progress) => void>();
  #delivery: Delivery | null = null;
  #file: File | null = null;
  /** The recording as one file: what is offered as a copy when the spool has let go of it. */
  #copy: Blob | null = null;
  /** The take under review, while a new one is being made. */
  #kept: { delivery: Delivery | null; review: Review } | null = null;
  /** A recording that took a use of the link and was cancelled: the next one takes its place. */
  #previous: Claim | null = null;
  #again: () => void = () => {};
  #countdown = new AbortController();

  constructor(config: Config, means: Means, show: (step: Step) => void) {
    this.config = config;
    this.#means = means;
    this.#show = show;
  }

  /** Begins with what an earlier visit left behind, if anything; true when there was. */
  async open(): Promise<boolean> {
    const found = await this.#leftBehind();
    if (found.length > 0) this.#go({ name: "recovery", found });
    else if (!this.config.closed) this.#go({ name: "welcome", note: null });
    return found.length > 0;
  }

  /** Tells `watcher` of every progress until the next step. */
  watch(watcher: (progress: Progress) => void): void {
    this.#watchers.add(watcher);
    watcher(this.progress);
  }

  get progress(): Progress {
    const progress = this.#delivery?.progress ?? { delivered: 0, total: 0, condition: "moving" };
    return { ...progress, total: Math.max(progress.total, this.#file?.size ?? 0) };
  }

  welcome(): void {
    if (this.step.name === "preview") this.step.capture.close();
    this.#go({ name: "welcome", note: null });
  }

  // ---- choosing and previewing

  /** Asks the browser for a screen or a camera. Called by a click. */
  async choose(source: "screen" | "camera"): Promise<void> {
    const before = this.step;
    this.#go({ name: "permission", source });
    const asked = this.step;
    try {
      const capture = await Capture.open(source);
      if (this.step !== asked) return capture.close(); // The customer went back while the dialog was open.
      if (before.name === "preview") before.capture.close();
      await this.#preview(capture);
    } catch (error) {
      if (this.step !== asked) return;
      if (before.name === "preview") return this.#preview(before.capture);
      this.#trouble(captureTrouble(error, source), () => void this.choose(source));
    }
  }

  async #preview(capture: Capture): Promise<void> {
    capture.onended = () => {
      capture.close();
      if (this.step.name === "preview") this.#go({ name: "welcome", note: "sharing-ended" });
    };
    const space = await room();
    if (space !== null && space < NO_ROOM_BYTES) {
      capture.close();
      return this.#trouble("storage-full", () => void this.choose(capture.eye));
    }
    this.#go({ name: "preview", capture, storageLow: space !== null && space < LITTLE_ROOM_BYTES });
  }

  /** Takes a video that the customer already has. It is sent after the review, not before. */
  chooseFile(file: File, durationMs: number): void {
    if (!file.type.startsWith("video/")) return this.#trouble("not-a-video", () => this.welcome());
    this.#file = file;
    this.#go({ name: "review", video: file, durationMs, source: "file", note: null });
  }

  // ---- recording

  /** 3-2-1, while the cell is asked; then records. */
  async start(): Promise<void> {
    if (this.step.name !== "preview") return;
    const { capture } = this.step;
    this.#countdown = new AbortController();
    const cancelled = this.#countdown.signal;
    try {
      const take = new Take(capture, (bytes) => this.#keep(bytes));
      const [delivery] = await Promise.all([this.#begin(capture.eye, take.mediaType), this.#countDown(cancelled)]);
      if (cancelled.aborted) {
        await take.stop();
        return void delivery.discard().catch(() => {}); // Nothing was sent; the cell's sweep abandons it.
      }
      this.#use(delivery);
      capture.onended = () => void this.stop("ended");
      take.start();
      this.#go({ name: "recording", take });
      void this.#stopAtLimit(take);
    } catch (error) {
      capture.close();
      if (cancelled.aborted) return;
      this.#countdown.abort();
      this.#trouble(startTrouble(error, this.#means.world.online()), () => void this.choose(capture.eye));
    }
  }

  async #countDown(cancelled: AbortSignal): Promise<void> {
    for (let seconds = COUNTDOWN_S; seconds > 0 && !cancelled.aborted; seconds--) {
      this.#go({ name: "countdown", seconds });
      await this.#means.world.sleep(1000, cancelled);
    }
  }

  /** Starts at the cell; the take before it, kept or cancelled, gives its use of the link. */
  async #begin(source: Source, mediaType: string): Promise<Delivery> {
    const { workspace, link, start_url } = this.config;
    const replaces = this.#kept?.delivery?.claim ?? this.#previous;
    const what = { source, mediaType, workspace: workspace.name, title: link.title };
    const delivery = await Delivery.start(this.#means, start_url, { ...what, replaces }).catch((error: unknown) => {
      const unknown = error instanceof Problem && [404, 409, 422].includes(error.status);
      if (!replaces || !unknown) throw error; // An earlier take that the cell has forgotten cannot be replaced.
      return Delivery.start(this.#means, start_url, { ...what, replaces: null });
    });
    await this.#kept?.delivery?.forget();
    this.#kept = null;
    this.#previous = delivery.claim;
    return delivery;
  }

  #use(delivery: Delivery): void {
    this.#delivery = delivery;
    delivery.onprogress = () => {
      for (const watcher of this.#watchers) watcher(this.progress);
    };
  }

  #keep(bytes: Blob): void {
    this.#delivery?.add(bytes).catch(() => this.stop("full"));
  }

  async #stopAtLimit(take: Take): Promise<void> {
    const limitMs = this.config.limits.seconds * 1000;
    while (this.step.name === "recording" && this.step.take === take) {
      if (take.elapsedMs >= limitMs) return this.stop("limit");
      await this.#means.world.sleep(1000);
    }
  }

  async stop(note: Review["note"] = null): Promise<void> {
    const { step } = this;
    if (step.name !== "recording" || !this.#delivery) return;
    step.take.capture.onended = () => {};
    const delivery = this.#delivery;
    await step.take.stop();
    if (this.step !== step) return; // Stopped twice: by the button and by the browser's bar.
    await delivery.lasted(step.take.elapsedMs);
    const video = await delivery.copy();
    this.#copy = video;
    if (video.size === 0) {
      return this.#trouble("nothing-recorded", () => void this.choose(step.take.capture.eye));
    }
    const source = step.take.capture.eye;
    this.#go({ name: "review", video, durationMs: step.take.elapsedMs, source, note });
  }

  // ---- after recording

  async send(): Promise<void> {
    if (this.step.name !== "review") return;
    const review = this.step;
    this.#go({ name: "sending" });
    try {
      if (review.source === "file" && this.#file) await this.#sendFile(this.#file);
    } catch (error) {
      const trouble = startTrouble(error, this.#means.world.online());
      return this.#trouble(trouble, () => this.#go(review));
    }
    await this.#deliver(review.source, review.durationMs);
  }

  async #sendFile(file: File): Promise<void> {
    const delivery = await this.#begin("file", file.type);
    this.#use(delivery);
    const space = await room();
    const copy = space !== null && space > 2 * file.size;
    delivery.addFile(file, FILE_SLICE_BYTES, copy).catch((error: unknown) => this.#failed(sendTrouble(error), error));
  }

  async #deliver(source: Source, durationMs: number): Promise<void> {
    const delivery = this.#delivery;
    if (!delivery) return;
    try {
      await delivery.send(durationMs);
      this.#previous = null;
      if (source !== "file") this.#copy ??= await delivery.copy();
      this.#go({ name: "done", outcome: null, source });
      const outcome = await delivery.outcome();
      if (outcome === null || this.#delivery !== delivery) return;
      if (outcome.state === "ready") this.#go({ name: "done", outcome, source });
      else {
        const trouble = outcome.state === "failed" ? "processing-failed" : "upload-closed";
        this.#trouble(trouble, () => void this.#retrySend(), outcome.reason);
      }
    } catch (error) {
      this.#failed(sendTrouble(error), error);
    }
  }

  #failed(trouble: Trouble, error: unknown): void {
    const detail = error instanceof Problem ? error.message : null;
    this.#trouble(trouble, () => void this.#retrySend(), detail);
  }

  async #retrySend(): Promise<void> {
    const { recording } = this.#delivery ?? {};
    if (!recording) return;
    this.#delivery?.stop();
    this.#go({ name: "sending" });
    try {
      if (this.#file && recording.source === "file") await this.#sendFile(this.#file);
      else this.#use(await Delivery.reopen(this.#means, recording));
    } catch (error) {
      return this.#failed(sendTrouble(error), error);
    }
    await this.#deliver(recording.source, recording.durationMs);
  }

  /** Makes a new take. The present one is kept until the new one has begun. */
  retake(): void {
    if (this.step.name !== "review") return;
    const { source } = this.step;
    this.#kept = { delivery: this.#delivery, review: this.step };
    this.#delivery = null;
    if (source === "file") this.welcome();
    else void this.choose(source);
  }

  /** Deletes everything of this recording, at the cell and here. */
  async cancel(): Promise<void> {
    const { step } = this;
    this.#countdown.abort();
    if (step.name === "recording") await step.take.stop();
    const delivery = this.#delivery;
    let note: Extract<Step, { name: "welcome" }>["note"] = null;
    try {
      if (delivery) note = (await delivery.discard()) ? "cancelled" : "forgotten";
    } catch (error) {
      return this.#trouble(startTrouble(error, this.#means.world.online()), () => void this.cancel());
    }
    this.#delivery = null;
    this.#file = null;
    this.#copy = null;
    this.#kept = null;
    if (this.config.closed) location.reload();
    else this.#go({ name: "welcome", note });
  }

  nudge(): void {
    this.#delivery?.nudge();
  }

  /** The recording as a file for the customer; null for a file that they have. */
  async copy(): Promise<Blob | null> {
    if (this.#file) return null;
    const copy = this.#copy ?? (await this.#delivery?.copy());
    return copy && copy.size > 0 ? copy : null;
  }

  // ---- what an earlier visit left behind

  async #leftBehind(): Promise<Spooled[]> {
    const left: Spooled[] = [];
    for (const recording of await this.#means.spool.list()) {
      if (await isLive(recording.recording_id)) continue;
      if (recording.sent) void this.#lookAfter(recording);
      else if (await this.#worthSending(recording)) left.push(recording);
    }
    return left.sort((a, b) => b.startedAt - a.startedAt);
  }

  /** Not one that ended before its first piece, nor the incomplete copy of a file, which the customer still has whole. */
  async #worthSending(recording: Spooled): Promise<boolean> {
    const pieces = await this.#means.spool.pieces(recording.recording_id);
    const bytes = pieces.reduce((sum, { size }) => sum + size, 0);
    return bytes > 0 && (recording.fileBytes === null || recording.fileBytes === bytes);
  }

  /** One that was sent leaves the spool when it is ready, and is offered again when it failed. */
  async #lookAfter(recording: Spooled): Promise<void> {
    const outcome = await Delivery.dormant(this.#means, recording).look();
    if (outcome?.state !== "failed") return;
    if (this.step.name === "welcome") this.#go({ name: "recovery", found: [recording] });
  }

  /** Goes on sending what an earlier visit recorded. */
  async resumeUpload(recording: Spooled): Promise<void> {
    await hold(recording.recording_id);
    this.#go({ name: "sending" });
    try {
      this.#use(await Delivery.reopen(this.#means, { ...recording, sent: false }));
    } catch (error) {
      this.#delivery = Delivery.dormant(this.#means, recording);
      return this.#failed(sendTrouble(error), error);
    }
    await this.#deliver(recording.source, recording.durationMs);
  }

  async discardUpload(recording: Spooled): Promise<void> {
    try {
      await Delivery.dormant(this.#means, recording).discard();
    } catch (error) {
      return this.#trouble(startTrouble(error, this.#means.world.online()), () => void this.discardUpload(recording));
    }
    await this.afterRecovery();
  }

  /** Looks whether more was left behind; else begins. */
  async afterRecovery(): Promise<void> {
    if (!(await this.open()) && this.config.closed) location.reload();
  }

  // ---- trouble

  #trouble(trouble: Trouble, again: () => void, detail: string | null = null): void {
    this.#again = again;
    this.#go({ name: "problem", trouble, detail });
  }

  /** Whether a way out leads anywhere now. */
  offers(way: WayOut): boolean {
    if (way === "back") return this.#kept !== null;
    if (way === "others") return !this.config.closed;
    return way !== "copy" || (this.#delivery !== null && this.#file === null);
  }

  async takeWayOut(way: WayOut): Promise<void> {
    switch (way) {
      case "again":
      case "retry-send":
        return this.#again();
      case "others":
        return this.welcome();
      case "back":
        return this.#backToReview();
      case "reload":
        return location.reload();
      case "discard":
        return this.cancel();
      case "copy":
        return;
    }
  }

  #backToReview(): void {
    if (!this.#kept) return;
    this.#delivery = this.#kept.delivery;
    this.#go(this.#kept.review);
    this.#kept = null;
  }

  #go(step: Step): void {
    if (!mayFollow(this.step.name, step.name)) throw new Error(`${step.name} after ${this.step.name}`);
    this.#watchers = new Set();
    this.step = step;
    this.#show(step);
  }
}
