// "3 min ago" stays true while the page stays open. The server writes the first text; this only takes over when time
// has moved on, so that nothing changes under the eye at loading.

const TICK_MS = 60_000;
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** The distance from `now` to `at` (both ms) in the visitor's language, in its largest whole unit. */
export function age(at: number, now: number, language: string): string {
  const words = new Intl.RelativeTimeFormat(language, { numeric: "always", style: "long" });
  const seconds = Math.round((at - now) / 1000);
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return words.format(Math.trunc(seconds / size), unit);
  }
  return words.format(-1, "second"); // nothing happens in no time
}

export function keepAges(): void {
  setInterval(() => {
    for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-ago]")) {
      time.textContent = age(Date.parse(time.dateTime), Date.now(), document.documentElement.lang);
    }
  }, TICK_MS);
}
