// When to try again: which errors pass by themselves, how long to wait, and the loop that does it.
import { Problem, Unreachable } from "./problem.ts";
import type { World } from "./world.ts";

/** One try and seven more: a minute in all, longer than a server needs to restart. */
export const ATTEMPTS = 8;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** Milliseconds to wait after failure number `failures` (from 1): 0.5 s doubling to 30 s, the upper half of it by chance. */
export function backoff(failures: number, random: () => number): number {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
  return full / 2 + (full / 2) * random();
}

/** True when the same request may succeed later: no answer, a server fault, too many requests. */
export function passes(error: unknown): boolean {
  if (error instanceof Unreachable) return true;
  return error instanceof Problem && (error.status >= 500 || error.status === 429 || error.status === 408);
}

/**
 * Calls `act` until it succeeds, at most ATTEMPTS times; time offline is waited out and not counted.
 * Throws what `act` threw last; an error that does not pass by itself is thrown at once.
 */
export async function persist<T>(world: World, act: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let failures = 0; ; ) {
    await world.whenOnline(signal);
    try {
      return await act();
    } catch (error) {
      if (signal?.aborted || !passes(error)) throw error;
      if (!world.online()) continue;
      if (++failures >= ATTEMPTS) throw error;
      const asked = error instanceof Problem ? (error.retryAfterS ?? 0) * 1000 : 0;
      await world.sleep(Math.max(asked, backoff(failures, world.random)), signal);
    }
  }
}
