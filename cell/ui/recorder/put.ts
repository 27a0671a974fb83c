// One PUT to the object store, given up when no byte moves for 30 s.
import { Problem, Unreachable } from "./problem.ts";
import type { Grant } from "./protocol.ts";

const STALLED_AFTER_MS = 30_000;
/** "If-None-Match: *" said no: these bytes are already there. */
const ALREADY_THERE = 412;

/**
 * Sends `bytes` as granted. Resolves when the store has them; throws Problem (the store said no) or Unreachable.
 * XMLHttpRequest, because fetch does not tell a slow upload from a dead one.
 */
export function put(grant: Grant, bytes: ArrayBuffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let stalled: ReturnType<typeof setTimeout> | undefined;
    const watch = () => {
      clearTimeout(stalled);
      stalled = setTimeout(() => request.abort(), STALLED_AFTER_MS);
    };
    const abort = () => request.abort();
    request.open("PUT", grant.url);
    for (const [name, value] of Object.entries(grant.headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = watch;
    request.onloadend = () => {
      clearTimeout(stalled);
      signal.removeEventListener("abort", abort);
      const status = request.status;
      if ((status >= 200 && status < 300) || status === ALREADY_THERE) resolve();
      else reject(status === 0 ? new Unreachable("no answer") : new Problem(status, `store-${status}`, ""));
    };
    signal.addEventListener("abort", abort);
    watch();
    request.send(bytes);
  });
}
