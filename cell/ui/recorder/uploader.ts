// Brings pieces to the store: three at a time, granted in batches, tried again until they are there or the cell says no.
import { batch } from "./pieces.ts";
import { Problem } from "./problem.ts";
import type { Grant, Piece } from "./protocol.ts";
import { ATTEMPTS, backoff, passes } from "./retry.ts";
import type { World } from "./world.ts";

const PARALLEL = 3;
/** A grant this close to its end is not begun with. */
const GRANT_MARGIN_MS = 5_000;
/** After ATTEMPTS failures the uploader says so, and looks again this often. */
const STUCK_WAIT_MS = 60_000;

/** What the uploader needs from outside. */
export interface Route {
  grants(pieces: readonly Piece[]): Promise<{ byIndex: Map<number, Grant>; expiresInS: number }>;
  put(grant: Grant, bytes: ArrayBuffer, signal: AbortSignal): Promise<void>;
  /** The bytes of a piece, read back when its turn has come, so that memory holds three pieces at most. */
  bytes(index: number): Promise<ArrayBuffer>;
  /** Called once for each piece that arrived. */
  delivered(piece: Piece): Promise<void>;
}

/** moving: all well. offline, stuck: waiting, and will go on by itself. refused: the cell said no, for good. */
export type Condition = "moving" | "offline" | "stuck" | "refused";

export class Uploader {
  /** Called whenever the condition or the number of delivered bytes changes. */
  onchange: () => void = () => {};
  condition: Condition = "moving";
  totalBytes = 0;
  deliveredBytes = 0;

  readonly #world: World;
  readonly #route: Route;
  readonly #perBatch: number;
  readonly #waiting = new Map<number, Piece>();
  readonly #queue: Piece[] = [];
  readonly #granted = new Map<number, { grant: Grant; until: number }>();
  readonly #asking = new Map<number, Promise<void>>();
  readonly #end = new AbortController();
  #wake = new AbortController();
  #running = 0;
  #refusal: unknown = null;
  #idle: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  constructor(world: World, route: Route, perBatch: number) {
    this.#world = world;
    this.#route = route;
    this.#perBatch = perBatch;
  }

  /** Queues a piece; one that is known to have arrived only counts. */
  add(piece: Piece, arrived = false): void {
    this.totalBytes += piece.size;
    if (arrived) {
      this.deliveredBytes += piece.size;
      return;
    }
    this.#waiting.set(piece.index, piece);
    this.#queue.push(piece);
    this.#pump();
  }

  /** Sends again a piece that had arrived and is gone. */
  resend(piece: Piece): void {
    this.totalBytes -= piece.size;
    this.deliveredBytes -= piece.size;
    this.add(piece);
  }

  /** Resolves when all that was added has arrived; throws the problem when the cell refuses. */
  idle(): Promise<void> {
    if (this.#refusal !== null) return Promise.reject(this.#refusal);
    if (this.#waiting.size === 0) return Promise.resolve();
    return new Promise((resolve, reject) => this.#idle.push({ resolve, reject }));
  }

  /** Tries at once what waits for its next attempt. */
  nudge(): void {
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  /** Stops for good; what is on its way is given up. */
  stop(): void {
    this.#end.abort();
    this.nudge();
  }

  #pump(): void {
    while (this.#running < PARALLEL && this.#queue.length > 0 && !this.#end.signal.aborted) {
      this.#running++;
      void this.#work().finally(() => {
        this.#running--;
      });
    }
  }

  async #work(): Promise<void> {
    for (let piece = this.#queue.shift(); piece && !this.#end.signal.aborted; piece = this.#queue.shift()) {
      await this.#bring(piece);
    }
  }

  async #bring(piece: Piece): Promise<void> {
    for (let failures = 0; !this.#end.signal.aborted; ) {
      if (!this.#world.online()) this.#become("offline");
      await this.#world.whenOnline(this.#end.signal);
      try {
        const grant = await this.#grantFor(piece);
        await this.#route.put(grant, await this.#route.bytes(piece.index), this.#end.signal);
        if (this.#end.signal.aborted) return;
        await this.#route.delivered(piece);
        this.#arrived(piece);
        return;
      } catch (error) {
        if (this.#end.signal.aborted) return;
        this.#granted.delete(piece.index);
        if (!this.#worthAnotherTry(error)) return this.#refuse(error);
        if (!this.#world.online()) continue;
        if (++failures < ATTEMPTS) {
          await this.#world.sleep(backoff(failures, this.#world.random), this.#wake.signal);
        } else {
          this.#become("stuck");
          await this.#world.sleep(STUCK_WAIT_MS, this.#wake.signal);
          failures = 0;
        }
      }
    }
  }

  /** The store's refusals are worth a new grant (theirs may have expired); the cell's are final. */
  #worthAnotherTry(error: unknown): boolean {
    return passes(error) || (error instanceof Problem && error.slug.startsWith("store-"));
  }

  async #grantFor(piece: Piece): Promise<Grant> {
    await this.#asking.get(piece.index);
    if (!this.#holds(piece.index)) await this.#ask(piece);
    const held = this.#granted.get(piece.index);
    if (!held) throw new Problem(500, "no-grant", "");
    return held.grant;
  }

  #holds(index: number): boolean {
    const held = this.#granted.get(index);
    return held !== undefined && held.until > this.#world.now();
  }

  #ask(piece: Piece): Promise<void> {
    const open = [...this.#waiting.values()].filter(({ index }) => !this.#holds(index) && !this.#asking.has(index));
    const pieces = batch(piece, open, this.#perBatch);
    const asked = this.#world.now();
    const answer = this.#route
      .grants(pieces)
      .then(({ byIndex, expiresInS }) => {
        const until = asked + expiresInS * 1000 - GRANT_MARGIN_MS;
        for (const [index, grant] of byIndex) this.#granted.set(index, { grant, until });
      })
      .finally(() => {
        for (const { index } of pieces) this.#asking.delete(index);
      });
    // Whoever else waits for this answer asks for itself if it fails.
    for (const { index } of pieces) this.#asking.set(index, answer.catch(() => {}));
    return answer;
  }

  #arrived(piece: Piece): void {
    this.#waiting.delete(piece.index);
    this.#granted.delete(piece.index);
    this.deliveredBytes += piece.size;
    this.condition = "moving";
    this.onchange();
    if (this.#waiting.size === 0) for (const { resolve } of this.#idle.splice(0)) resolve();
  }

  #refuse(error: unknown): void {
    this.#refusal = error;
    this.stop();
    this.#become("refused");
    for (const { reject } of this.#idle.splice(0)) reject(error);
  }

  #become(condition: Condition): void {
    if (this.condition === condition) return;
    this.condition = condition;
    this.onchange();
  }
}
