// Which tab is at work on which recording, so that no tab takes another one's live spool.

/** A tab that wrote its heartbeat this long ago is gone; hidden tabs may write once a minute only. */
const DEAD_AFTER_MS = 150_000;
const BEAT_MS = 5_000;
const lockName = (id: string) => `cellcast-recording-${id}`;

/** Takes a recording for as long as this page lives; false when another tab holds it. */
export function hold(id: string): Promise<boolean> {
  if (!("locks" in navigator)) return Promise.resolve(holdByHeartbeat(id));
  return new Promise((resolve) => {
    void navigator.locks.request(lockName(id), { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      // The lock lasts as long as this promise is open: as long as the page.
      return lock === null ? undefined : new Promise<never>(() => {});
    });
  });
}

/** True when a tab is at work on the recording. */
export async function isLive(id: string): Promise<boolean> {
  if (!("locks" in navigator)) return heartbeatIsFresh(id);
  const { held } = await navigator.locks.query();
  return held?.some(({ name }) => name === lockName(id)) ?? false;
}

function heartbeatIsFresh(id: string): boolean {
  return Date.now() - Number(localStorage.getItem(lockName(id)) ?? 0) < DEAD_AFTER_MS;
}

function holdByHeartbeat(id: string): boolean {
  if (heartbeatIsFresh(id)) return false;
  const beat = () => localStorage.setItem(lockName(id), String(Date.now()));
  const beating = setInterval(beat, BEAT_MS);
  beat();
  addEventListener("pagehide", () => {
    clearInterval(beating);
    localStorage.removeItem(lockName(id));
  });
  return true;
}
