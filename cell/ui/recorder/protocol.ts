// The upload protocol, call by call: what the cell is asked and what it answers. Knows tokens; knows no queue and no page.
import { Problem, problemOf, Unreachable } from "./problem.ts";
import type { World } from "./world.ts";

/** Longer than any answer takes that will still come. */
const CALL_TIMEOUT_MS = 60_000;

export type Source = "screen" | "camera" | "file";
export type State = "created" | "recording" | "finishing" | "processing" | "ready" | "failed" | "abandoned";

/** One piece of a recording: its place, its length in bytes and the base64 of its SHA-256. */
export interface Piece {
  index: number;
  size: number;
  sha256: string;
}

/** Leave to PUT one piece to `url` with exactly these headers. */
export interface Grant {
  url: string;
  headers: Record<string, string>;
}

export interface Limits {
  chunk_bytes: number;
  chunks: number;
  bytes: number;
  seconds: number;
  batch: number;
}

/** What names a recording and lets this browser go on with it: kept with the spool. */
export interface Claim {
  recording_id: string;
  resume_token: string;
}

export interface Started extends Claim {
  upload_token: string;
  base: string;
  limits: Limits;
}

export interface Manifest {
  chunks: { size: number; sha256: string }[];
  duration_ms: number;
  media_type: string;
}

async function call(world: World, method: string, url: string, token: string | null, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (token !== null) headers["Authorization"] = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const init: RequestInit = { method, headers, signal: AbortSignal.timeout(CALL_TIMEOUT_MS), cache: "no-store" };
  if (body !== undefined) init.body = JSON.stringify(body);
  let answer: Response;
  try {
    answer = await world.fetch(url, init);
  } catch (cause) {
    throw new Unreachable("no answer", { cause });
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

const START_ATTEMPTS = 4;

/**
 * Starts a recording, which takes a use of the link; `replaces` discards an earlier one and takes none.
 * `recording_id` is chosen here: where the answer is lost, asking again gives the same recording and takes no other use.
 */
export async function start(
  world: World,
  url: string,
  wanted: { recording_id: string; source: Source; media_type: string; replaces?: Claim },
): Promise<Started> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await (await call(world, "POST", url, null, wanted)).json()) as Started;
    } catch (cause) {
      if (!(cause instanceof Unreachable) || attempt === START_ATTEMPTS) throw cause;
      await world.sleep(500 * 2 ** (attempt - 1));
    }
  }
}

/** The calls about one recording. An expired upload token is renewed and the call made again, unseen by the caller. */
export class Calls {
  readonly #world: World;
  readonly #base: string;
  readonly #resumeToken: string;
  #uploadToken: string | null;
  #renewing: Promise<void> | null = null;

  constructor(world: World, base: string, resumeToken: string, uploadToken: string | null) {
    this.#world = world;
    this.#base = base;
    this.#resumeToken = resumeToken;
    this.#uploadToken = uploadToken;
  }

  /** Leave to PUT each of these pieces, by index, and the seconds it is good for. None asked: "this page is still here". */
  async grants(pieces: readonly Piece[]): Promise<{ byIndex: Map<number, Grant>; expiresInS: number }> {
    const chunks = pieces.map(({ index, size, sha256 }) => ({ index, size, sha256 }));
    const answer = (await (await this.#asUploader("POST", "/grants", { chunks })).json()) as {
      grants: (Grant & { index: number })[];
      expires_in: number;
    };
    const byIndex = new Map(answer.grants.map(({ index, url, headers }) => [index, { url, headers }]));
    return { byIndex, expiresInS: answer.expires_in };
  }

  /** Says that all is sent. The same manifest may be sent again: the answer can get lost. */
  async finish(manifest: Manifest): Promise<void> {
    await this.#asUploader("POST", "/finish", manifest);
  }

  async discard(): Promise<void> {
    await call(this.#world, "POST", `${this.#base}/discard`, this.#resumeToken, {});
  }

  /** Reopens a recording that was finished without its page. "recording" means: go on sending. */
  async resume(): Promise<State> {
    const answer = await call(this.#world, "POST", `${this.#base}/resume`, this.#resumeToken, {});
    const { state, upload_token } = (await answer.json()) as { state: State; upload_token?: string };
    if (upload_token) this.#uploadToken = upload_token;
    return state;
  }

  async state(): Promise<{ state: State; reason: string | null }> {
    return (await call(this.#world, "GET", this.#base, this.#resumeToken)).json() as Promise<{
      state: State;
      reason: string | null;
    }>;
  }

  /** Takes a fresh upload token. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #renew(): Promise<void> {
    const answer = await call(this.#world, "POST", `${this.#base}/token`, this.#resumeToken, {});
    this.#uploadToken = ((await answer.json()) as { upload_token: string }).upload_token;
  }

  async #asUploader(method: string, path: string, body: unknown): Promise<Response> {
    if (this.#uploadToken === null) await this.renew();
    try {
      return await call(this.#world, method, this.#base + path, this.#uploadToken, body);
    } catch (error) {
      if (!(error instanceof Problem && error.slug === "upload-token-expired")) throw error;
      await this.renew();
      return call(this.#world, method, this.#base + path, this.#uploadToken, body);
    }
  }
}
