// Cutting a recording into pieces, hashing them, choosing which to ask grants for, and the manifest of all.
import type { Manifest, Piece } from "./protocol.ts";

/** Slices of a chosen file: small enough that a lost one costs little and progress moves, far below the cell's limit. */
export const FILE_SLICE_BYTES = 4 * 2 ** 20;
/** Grants live for a minute: more than this is not asked for ahead. */
const AHEAD_BYTES = 16 * 2 ** 20;

/** [start, end) of each slice of `size` bytes cut at every `limit`. Nothing for an empty one. */
export function slices(size: number, limit: number): [number, number][] {
  const cut: [number, number][] = [];
  for (let start = 0; start < size; start += limit) cut.push([start, Math.min(size, start + limit)]);
  return cut;
}

/** Base64 of the SHA-256 of `bytes`, as S3 writes checksums. */
export async function sha256(bytes: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return btoa(String.fromCharCode(...digest));
}

/** The pieces to ask for in one call: `first`, then others of `waiting` in their order, within `count` and AHEAD_BYTES. */
export function batch(first: Piece, waiting: Iterable<Piece>, count: number): Piece[] {
  const chosen = [first];
  let bytes = first.size;
  for (const piece of waiting) {
    if (piece.index === first.index) continue;
    bytes += piece.size;
    if (chosen.length >= count || bytes > AHEAD_BYTES) break;
    chosen.push(piece);
  }
  return chosen;
}

/**
 * The list of all pieces in order, for `finish`.
 * @throws Error when one is missing, so that a recording with a hole is never called finished.
 */
export function manifest(pieces: readonly Piece[], durationMs: number, mediaType: string): Manifest {
  const sorted = [...pieces].sort((a, b) => a.index - b.index);
  sorted.forEach((piece, at) => {
    if (piece.index !== at) throw new Error(`piece ${at} is missing`);
  });
  return {
    chunks: sorted.map(({ size, sha256 }) => ({ size, sha256 })),
    duration_ms: Math.round(durationMs),
    media_type: mediaType,
  };
}
