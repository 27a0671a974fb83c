// The clock, the network and chance, behind one small interface, so that everything above runs in tests without waiting.

export interface World {
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Milliseconds that only grow. */
  now(): number;
  /** Evenly distributed in [0, 1). */
  random(): number;
  /** Resolves after `ms`, or at once when `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  online(): boolean;
  /** Resolves when the browser believes to be online, or when `signal` is aborted. */
  whenOnline(signal?: AbortSignal): Promise<void>;
}

/** Waits for one event on `target`, for `ms` at most (for ever without), or until `signal` is aborted. */
function until(target: EventTarget | null, event: string, ms: number | null, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = () => {
      clearTimeout(timer);
      target?.removeEventListener(event, settle);
      signal?.removeEventListener("abort", settle);
      resolve();
    };
    const timer = ms === null ? undefined : setTimeout(settle, ms);
    target?.addEventListener(event, settle);
    signal?.addEventListener("abort", settle);
  });
}

/** The same world, whose requests to the cell name the trace that the page is part of. */
export function traced(world: World, traceparent: string | null): World {
  if (!traceparent) return world;
  const named = (init: RequestInit) => {
    const headers = new Headers(init.headers);
    headers.set("traceparent", traceparent);
    return { ...init, headers };
  };
  return { ...world, fetch: (url, init) => world.fetch(url, named(init)) };
}

export const browser: World = {
  fetch: (url, init) => fetch(url, init),
  now: () => performance.now(),
  random: () => Math.random(),
  sleep: (ms, signal) => until(null, "", ms, signal),
  online: () => navigator.onLine,
  whenOnline: (signal) => (navigator.onLine ? Promise.resolve() : until(window, "online", null, signal)),
};
