// A world for tests: time passes at once, the network is what the test says.
import { Problem } from "../../recorder/problem.ts";
import type { Grant, Piece } from "../../recorder/protocol.ts";
import type { World } from "../../recorder/world.ts";

type Answer = { status: number; body?: unknown; headers?: Record<string, string> } | "lost";

export class TestWorld implements World {
  /** Each wait that was asked for, in milliseconds. */
  readonly waits: number[] = [];
  readonly asked: { method: string; url: string; token: string | null; body: unknown }[] = [];
  answer: (asked: { method: string; url: string; token: string | null; body: unknown }) => Answer = () => "lost";
  #time = 0;
  #online = true;
  #whenOnline: (() => void)[] = [];

  async fetch(url: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    const token = headers.get("Authorization")?.replace("Bearer ", "") ?? null;
    const asked = { method: init.method ?? "GET", url, token, body: init.body ? JSON.parse(String(init.body)) : null };
    this.asked.push(asked);
    const answer = this.answer(asked);
    if (answer === "lost") throw new TypeError("Failed to fetch");
    const body = answer.body === undefined ? null : JSON.stringify(answer.body);
    return new Response(body, { status: answer.status, headers: answer.headers ?? {} });
  }

  now(): number {
    return this.#time;
  }

  random(): number {
    return 0.5;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    this.waits.push(ms);
    this.#time += ms;
    await new Promise((resolve) => setImmediate(resolve)); // Others get their turn, as they would.
  }

  online(): boolean {
    return this.#online;
  }

  set connected(on: boolean) {
    this.#online = on;
    if (on) for (const resolve of this.#whenOnline.splice(0)) resolve();
  }

  whenOnline(): Promise<void> {
    return this.#online ? Promise.resolve() : new Promise((resolve) => this.#whenOnline.push(resolve));
  }
}

/** A store and a cell's grants in a few lines; `put` may be replaced to fail. */
export class TestStore {
  readonly there = new Map<string, ArrayBuffer>();
  /** The pieces asked for in each batch. */
  readonly batches: number[][] = [];
  underway = 0;
  mostUnderway = 0;
  fail: (key: string) => unknown = () => null;

  grants = async (pieces: readonly Piece[]): Promise<{ byIndex: Map<number, Grant>; expiresInS: number }> => {
    this.batches.push(pieces.map(({ index }) => index));
    const byIndex = new Map(pieces.map(({ index }) => [index, { url: String(index), headers: {} }]));
    return { byIndex, expiresInS: 60 };
  };

  put = async (grant: Grant, bytes: ArrayBuffer): Promise<void> => {
    this.mostUnderway = Math.max(this.mostUnderway, ++this.underway);
    await new Promise((resolve) => setImmediate(resolve));
    this.underway--;
    const failure = this.fail(grant.url);
    if (failure) throw failure;
    this.there.set(grant.url, bytes);
  };
}

export const serverDown = () => new Problem(503, "store-503", "");

export function pieces(count: number, size = 10): Piece[] {
  return Array.from({ length: count }, (_, index) => ({ index, size, sha256: `hash-${index}` }));
}

/** Gives everything that waits its turn until `met`, for a moment at most. */
export async function until(met: () => boolean): Promise<void> {
  for (let turns = 0; turns < 2000 && !met(); turns++) await new Promise((resolve) => setImmediate(resolve));
  if (!met()) throw new Error("it did not happen");
}
