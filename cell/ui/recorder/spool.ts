// The spool: every piece of a recording, in this browser, until the cell says that the recording is ready.
import type { Claim, Piece, Source } from "./protocol.ts";

/** What is held in memory when there is no disk to keep it; then recording must stop. */
const MEMORY_BYTES = 128 * 2 ** 20;

/** A recording in the spool, with what it takes to go on with it on another day. */
export interface Spooled extends Claim {
  base: string;
  source: Source;
  mediaType: string;
  /** Who asked for what, to name it by later. */
  workspace: string;
  title: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  durationMs: number;
  /** Length of a chosen file that is being copied here; null for what was recorded. */
  fileBytes: number | null;
  /** True once the cell has accepted "finish". */
  sent: boolean;
}

export interface SpooledPiece extends Piece {
  arrived: boolean;
}

/** Neither disk nor memory takes another piece. */
export class SpoolFull extends Error {}

export interface Spool {
  list(): Promise<Spooled[]>;
  save(recording: Spooled): Promise<void>;
  /** Keeps a piece. Throws SpoolFull. */
  put(id: string, piece: Piece, bytes: ArrayBuffer): Promise<void>;
  /** Notes that the store has this piece. */
  arrived(id: string, piece: Piece): Promise<void>;
  /** All pieces of a recording, in order. */
  pieces(id: string): Promise<SpooledPiece[]>;
  /** The bytes of a piece; undefined when it is not here. */
  bytes(id: string, index: number): Promise<ArrayBuffer | undefined>;
  remove(id: string): Promise<void>;
}

/** The whole recording as one file, read piece by piece: a Blob is the browser's to keep, on disk when it is large. */
export async function whole(spool: Spool, id: string, mediaType: string): Promise<Blob> {
  const parts: Blob[] = [];
  for (let index = 0; ; index++) {
    const bytes = await spool.bytes(id, index);
    if (!bytes) return new Blob(parts, { type: mediaType });
    parts.push(new Blob([bytes]));
  }
}

/** A spool for browsers that give no disk: it lasts as long as the page. */
export class MemorySpool implements Spool {
  readonly #recordings = new Map<string, Spooled>();
  readonly #pieces = new Map<string, Map<number, SpooledPiece & { bytes: ArrayBuffer }>>();
  readonly #limit: number;
  #used = 0;

  constructor(limit = MEMORY_BYTES) {
    this.#limit = limit;
  }

  async list(): Promise<Spooled[]> {
    return [...this.#recordings.values()];
  }

  async save(recording: Spooled): Promise<void> {
    this.#recordings.set(recording.recording_id, { ...recording });
  }

  async put(id: string, piece: Piece, bytes: ArrayBuffer): Promise<void> {
    if (this.#used + bytes.byteLength > this.#limit) throw new SpoolFull();
    this.#used += bytes.byteLength;
    const pieces = this.#pieces.get(id) ?? new Map();
    this.#pieces.set(id, pieces.set(piece.index, { ...piece, bytes, arrived: false }));
  }

  async arrived(id: string, piece: Piece): Promise<void> {
    const kept = this.#pieces.get(id)?.get(piece.index);
    if (kept) kept.arrived = true;
  }

  async pieces(id: string): Promise<SpooledPiece[]> {
    const pieces = [...(this.#pieces.get(id)?.values() ?? [])].sort((a, b) => a.index - b.index);
    return pieces.map(({ index, size, sha256, arrived }) => ({ index, size, sha256, arrived }));
  }

  async bytes(id: string, index: number): Promise<ArrayBuffer | undefined> {
    return this.#pieces.get(id)?.get(index)?.bytes;
  }

  async remove(id: string): Promise<void> {
    for (const { size } of this.#pieces.get(id)?.values() ?? []) this.#used -= size;
    this.#pieces.delete(id);
    this.#recordings.delete(id);
  }
}
