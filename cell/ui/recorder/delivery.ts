// One recording on its way: from bytes of the camera to "ready" in the cell, through spool, uploader and finish.
import { hold } from "./live.ts";
import { manifest, sha256, slices } from "./pieces.ts";
import { Problem } from "./problem.ts";
import { Calls, type Claim, type Grant, type Limits, type Piece, start, type Source, type State } from "./protocol.ts";
import { passes, persist } from "./retry.ts";
import { type Spool, type Spooled, whole } from "./spool.ts";
import { type Condition, Uploader } from "./uploader.ts";
import type { World } from "./world.ts";

/** While nothing else is said to the cell (a pause, a review), it hears from us this often, so that its sweep waits. */
const STILL_HERE_MS = 40_000;
const FIRST_LOOK_MS = 1_500;
const LONGEST_LOOK_MS = 15_000;
/** What the cell allowed is not known for a recording of another day; these are small enough for any. */
const RESUMED_LIMITS = { chunk_bytes: 8 * 2 ** 20, batch: 20, bytes: Infinity, chunks: Infinity };
/** A recording that is being finished by the sweep can be reopened a moment later: it is looked for this often. */
const REOPEN_WAIT_MS = 3_000;
const REOPEN_LOOKS = 20;
const RESEND_ROUNDS = 20;
const ENDED: readonly State[] = ["ready", "failed", "abandoned"];

/** What every delivery works with. */
export interface Means {
  world: World;
  spool: Spool;
  put(grant: Grant, bytes: ArrayBuffer, signal: AbortSignal): Promise<void>;
}

export interface Outcome {
  state: "ready" | "failed" | "abandoned" | "gone";
  reason: string | null;
}

export interface Progress {
  /** Bytes that the store has acknowledged, of all bytes known so far. */
  delivered: number;
  total: number;
  condition: Condition;
}

type Allowed = Pick<Limits, "chunk_bytes" | "batch" | "bytes" | "chunks">;

/** More bytes or pieces than the cell takes for one recording. */
export class TooLarge extends Error {}

export class Delivery {
  onprogress: (progress: Progress) => void = () => {};

  readonly recording: Spooled;
  readonly limits: Allowed;
  readonly #means: Means;
  readonly #calls: Calls;
  readonly #uploader: Uploader;
  readonly #pieces: Piece[] = [];
  readonly #end = new AbortController();
  /** A chosen file that is too large to copy: its bytes are read from itself. */
  #file: Blob | null = null;
  readonly #places = new Map<number, [number, number]>();
  #intake: Promise<void> = Promise.resolve();
  #lastHeard: number;
  #reopening: Promise<void> | null = null;

  private constructor(means: Means, recording: Spooled, limits: Allowed, uploadToken: string | null) {
    this.#means = means;
    this.recording = recording;
    this.limits = limits;
    this.#calls = new Calls(means.world, recording.base, recording.resume_token, uploadToken);
    this.#lastHeard = means.world.now();
    const route = {
      grants: (pieces: readonly Piece[]) => this.#grants(pieces),
      put: means.put,
      bytes: (index: number) => this.#bytes(index),
      delivered: (piece: Piece) => means.spool.arrived(recording.recording_id, piece),
    };
    this.#uploader = new Uploader(means.world, route, limits.batch);
    this.#uploader.onchange = () => this.onprogress(this.progress);
  }

  /** Starts a recording at the cell, which takes a use of the link unless it `replaces` one. */
  static async start(
    means: Means,
    url: string,
    what: { source: Source; mediaType: string; workspace: string; title: string; replaces: Claim | null },
  ): Promise<Delivery> {
    const wanted = { recording_id: crypto.randomUUID(), source: what.source, media_type: what.mediaType };
    const { recording_id, resume_token, upload_token, base, limits } = await start(
      means.world,
      url,
      what.replaces ? { ...wanted, replaces: what.replaces } : wanted,
    );
    const recording: Spooled = {
      recording_id,
      resume_token,
      base,
      source: what.source,
      mediaType: what.mediaType,
      workspace: what.workspace,
      title: what.title,
      startedAt: Date.now(),
      durationMs: 0,
      fileBytes: null,
      sent: false,
    };
    await hold(recording_id);
    await means.spool.save(recording);
    const delivery = new Delivery(means, recording, limits, upload_token);
    void delivery.#sayStillHere();
    return delivery;
  }

  /** A recording of the spool as it lies there: to look after, copy or discard, not to send. */
  static dormant(means: Means, recording: Spooled): Delivery {
    return new Delivery(means, recording, RESUMED_LIMITS, null);
  }

  /** Takes up a recording of the spool. The caller holds it. Throws Problem when the cell no longer takes it. */
  static async reopen(means: Means, recording: Spooled): Promise<Delivery> {
    const delivery = Delivery.dormant(means, recording);
    await persist(means.world, () => delivery.#reopen());
    void delivery.#sayStillHere();
    for (const piece of await means.spool.pieces(recording.recording_id)) {
      if (piece.index !== delivery.#pieces.length) break; // What follows a hole cannot be joined.
      delivery.#pieces.push(piece);
      delivery.#uploader.add(piece, piece.arrived);
    }
    return delivery;
  }

  get claim(): Claim {
    return { recording_id: this.recording.recording_id, resume_token: this.recording.resume_token };
  }

  get progress(): Progress {
    const { deliveredBytes, totalBytes, condition } = this.#uploader;
    return { delivered: deliveredBytes, total: totalBytes, condition };
  }

  /** Takes the next bytes: into the spool first, then on their way. Throws SpoolFull, TooLarge. */
  add(blob: Blob): Promise<void> {
    this.#intake = this.#intake.then(async () => {
      for (const [from, to] of slices(blob.size, this.limits.chunk_bytes)) await this.#take(blob.slice(from, to));
    });
    return this.#intake;
  }

  /** Takes a whole chosen file, in slices; `copy` also puts it into the spool, so that the tab may close early. */
  addFile(file: Blob, sliceBytes: number, copy: boolean): Promise<void> {
    this.#intake = this.#intake.then(async () => {
      if (copy) await this.#save({ fileBytes: file.size });
      else await this.#means.spool.remove(this.recording.recording_id); // Without its bytes it cannot be taken up later.
      if (!copy) this.#file = file;
      const size = Math.min(sliceBytes, this.limits.chunk_bytes);
      if (file.size > this.limits.bytes) throw new TooLarge();
      for (const [from, to] of slices(file.size, size)) await this.#take(file.slice(from, to), [from, to]);
    });
    return this.#intake;
  }

  async #take(blob: Blob, place?: [number, number]): Promise<void> {
    const bytes = await blob.arrayBuffer();
    const piece: Piece = { index: this.#pieces.length, size: bytes.byteLength, sha256: await sha256(bytes) };
    if (this.#end.signal.aborted) return;
    const total = this.#uploader.totalBytes + piece.size;
    if (total > this.limits.bytes || piece.index >= this.limits.chunks) throw new TooLarge();
    if (this.#file && place) this.#places.set(piece.index, place);
    else await this.#means.spool.put(this.recording.recording_id, piece, bytes);
    this.#pieces.push(piece);
    this.#uploader.add(piece);
  }

  async #bytes(index: number): Promise<ArrayBuffer> {
    const place = this.#places.get(index);
    if (this.#file && place) return this.#file.slice(...place).arrayBuffer();
    const bytes = await this.#means.spool.bytes(this.recording.recording_id, index);
    if (!bytes) throw new Error(`piece ${index} is gone`);
    return bytes;
  }

  /** Waits until every byte has arrived, then tells the cell. After this the tab may close. Throws Problem, Unreachable. */
  async send(durationMs: number): Promise<void> {
    await this.#intake.catch(() => {}); // What did not fit was said when it happened; the rest is worth sending.
    await this.#save({ durationMs });
    const all = manifest(this.#pieces, durationMs, this.recording.mediaType);
    for (let rounds = 0; ; rounds++) {
      await this.#uploader.idle();
      try {
        await persist(this.#means.world, () => this.#open(() => this.#calls.finish(all)), this.#end.signal);
        break;
      } catch (error) {
        // A list of a hundred at most comes back: what the cell lacks is sent again, then it is asked again.
        if (!(error instanceof Problem && error.missing.length > 0) || rounds >= RESEND_ROUNDS) throw error;
        for (const index of error.missing) this.#resend(index);
      }
    }
    await this.#save({ sent: true });
  }

  #resend(index: number): void {
    const piece = this.#pieces[index];
    if (piece) this.#uploader.resend(piece);
  }

  /** Looks until the cell has made up its mind; a ready recording leaves the spool. Null when stopped before. */
  async outcome(): Promise<Outcome | null> {
    const { world } = this.#means;
    for (let wait = FIRST_LOOK_MS; !this.#end.signal.aborted; wait = Math.min(LONGEST_LOOK_MS, wait * 1.4)) {
      const seen = await this.look();
      if (seen) return seen;
      await world.sleep(wait, this.#end.signal);
      await world.whenOnline(this.#end.signal);
    }
    return null;
  }

  /** Asks once how it stands; null while undecided, or when there is no answer. A ready recording leaves the spool. */
  async look(): Promise<Outcome | null> {
    try {
      const { state, reason } = await this.#calls.state();
      if (state === "ready") await this.#means.spool.remove(this.recording.recording_id);
      return ENDED.includes(state) ? { state: state as Outcome["state"], reason } : null;
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return { state: "gone", reason: null };
      if (passes(error)) return null;
      throw error;
    }
  }

  /** The recording as one file, from the spool, the piece that is just being kept included. */
  async copy(): Promise<Blob> {
    await this.#intake.catch(() => {});
    return whole(this.#means.spool, this.recording.recording_id, this.recording.mediaType);
  }

  /** Notes how long it is, for another day. */
  async lasted(durationMs: number): Promise<void> {
    await this.#save({ durationMs });
  }

  /**
   * Deletes what arrived, at the cell and here. False when it is too late at the cell: then it is only deleted here.
   * Throws Problem, Unreachable; then it is still here.
   */
  async discard(): Promise<boolean> {
    let deleted = true;
    this.#uploader.stop();
    try {
      await persist(this.#means.world, () => this.#open(() => this.#calls.discard()));
    } catch (error) {
      if (!(error instanceof Problem && [404, 409].includes(error.status))) throw error;
      deleted = error.status === 404;
    }
    await this.forget();
    return deleted;
  }

  /** Removes it from the spool alone: the cell has it, or has replaced it. */
  async forget(): Promise<void> {
    this.stop();
    await this.#intake.catch(() => {}); // A piece that is just being kept must not come after the removal.
    await this.#means.spool.remove(this.recording.recording_id);
  }

  nudge(): void {
    this.#uploader.nudge();
  }

  stop(): void {
    this.#end.abort();
    this.#uploader.stop();
  }

  async #save(change: Partial<Spooled>): Promise<void> {
    if (this.#file) return; // A file that is not in the spool cannot be taken up later.
    await this.#means.spool.save(Object.assign(this.recording, change));
  }

  async #grants(pieces: readonly Piece[]): ReturnType<Calls["grants"]> {
    const answer = await this.#open(() => this.#calls.grants(pieces));
    this.#lastHeard = this.#means.world.now();
    return answer;
  }

  /** Makes a call; where the cell's sweep has closed the recording meanwhile (a laptop that slept), reopens it first. */
  async #open<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      const closed = error instanceof Problem && ["recording-closed", "manifest-differs"].includes(error.slug);
      if (!closed || this.#end.signal.aborted) throw error;
      this.#reopening ??= this.#reopen().finally(() => {
        this.#reopening = null;
      });
      await this.#reopening;
      return act();
    }
  }

  async #reopen(): Promise<void> {
    for (let looks = 0; looks < REOPEN_LOOKS; looks++) {
      const state = await this.#calls.resume();
      if (state === "recording" || state === "created") return;
      if (state !== "finishing" && state !== "processing") break;
      await this.#means.world.sleep(REOPEN_WAIT_MS, this.#end.signal);
    }
    throw new Problem(409, "recording-closed", "");
  }

  async #sayStillHere(): Promise<void> {
    const { world } = this.#means;
    while (!this.#end.signal.aborted && !this.recording.sent) {
      await world.sleep(STILL_HERE_MS, this.#end.signal);
      if (this.#end.signal.aborted || this.recording.sent) return;
      if (world.now() - this.#lastHeard < STILL_HERE_MS) continue;
      // An empty batch: its only purpose is to be heard, and the next round tries again.
      await this.#grants([]).catch(() => {});
    }
  }
}
