// The spool in IndexedDB, which outlives the tab, the browser and its crash.
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Piece } from "./protocol.ts";
import { MemorySpool, type Spool, type Spooled, type SpooledPiece } from "./spool.ts";

interface Shape extends DBSchema {
  recordings: { key: string; value: Spooled };
  pieces: { key: [string, number]; value: SpooledPiece };
  bytes: { key: [string, number]; value: ArrayBuffer };
}

/** All keys of one recording. */
const ofRecording = (id: string) => IDBKeyRange.bound([id, 0], [id, Infinity]);

/** Pieces that the disk refuses are kept in memory, as far as that goes. */
class DiskSpool implements Spool {
  readonly #db: IDBPDatabase<Shape>;
  readonly #overflow = new MemorySpool();

  constructor(db: IDBPDatabase<Shape>) {
    this.#db = db;
  }

  list(): Promise<Spooled[]> {
    return this.#db.getAll("recordings");
  }

  async save(recording: Spooled): Promise<void> {
    await this.#db.put("recordings", recording);
  }

  async put(id: string, piece: Piece, bytes: ArrayBuffer): Promise<void> {
    const write = this.#db.transaction(["pieces", "bytes"], "readwrite");
    try {
      await Promise.all([
        write.objectStore("pieces").put({ ...piece, arrived: false }, [id, piece.index]),
        write.objectStore("bytes").put(bytes, [id, piece.index]),
        write.done,
      ]);
    } catch {
      // QuotaExceededError, or a disk that fails: the reason makes no difference here.
      await this.#overflow.put(id, piece, bytes);
    }
  }

  async arrived(id: string, piece: Piece): Promise<void> {
    const { index, size, sha256 } = piece;
    try {
      await this.#db.put("pieces", { index, size, sha256, arrived: true }, [id, index]);
    } catch {
      // A full disk: on another day the piece is sent again, and the store says that it has it.
    }
  }

  pieces(id: string): Promise<SpooledPiece[]> {
    return this.#db.getAll("pieces", ofRecording(id));
  }

  async bytes(id: string, index: number): Promise<ArrayBuffer | undefined> {
    return (await this.#overflow.bytes(id, index)) ?? this.#db.get("bytes", [id, index]);
  }

  async remove(id: string): Promise<void> {
    const write = this.#db.transaction(["recordings", "pieces", "bytes"], "readwrite");
    await Promise.all([
      write.objectStore("recordings").delete(id),
      write.objectStore("pieces").delete(ofRecording(id)),
      write.objectStore("bytes").delete(ofRecording(id)),
      write.done,
      this.#overflow.remove(id),
    ]);
  }
}

/** This origin's spool; in memory where the browser gives no database (some private windows). */
export async function openSpool(): Promise<Spool> {
  try {
    const db = await openDB<Shape>("cellcast-recorder", 1, {
      upgrade(fresh) {
        fresh.createObjectStore("recordings", { keyPath: "recording_id" });
        fresh.createObjectStore("pieces");
        fresh.createObjectStore("bytes");
      },
    });
    return new DiskSpool(db);
  } catch {
    return new MemorySpool();
  }
}

/** Bytes that this origin may still store, or null where the browser does not tell. */
export async function room(): Promise<number | null> {
  const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {};
  return quota === undefined || usage === undefined ? null : quota - usage;
}
