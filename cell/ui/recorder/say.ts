// The page's words in the visitor's language, with numbers, sizes and times the way that language writes them.
import type { TextId } from "./texts.ts";

let translations: Record<string, string> = {};
let language = "en";

export function speak(texts: Record<string, string>, lang: string): void {
  translations = texts;
  language = lang;
}

/** A sentence; {names} in it are replaced by `values`. English where there is no translation. */
export function say(id: TextId, values: Record<string, string> = {}): string {
  return (translations[id] || id).replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** m:ss, or h:mm:ss from an hour on. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"));
  const hours = Math.floor(seconds / 3600);
  return hours > 0 ? `${hours}:${parts.join(":")}` : `${Math.floor(seconds / 60)}:${parts[1]}`;
}

/** Megabytes, with one digit after the point below ten. */
export function megabytes(bytes: number): string {
  const value = bytes / 1e6;
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: "megabyte",
    maximumFractionDigits: value < 10 ? 1 : 0,
  }).format(value);
}

/** Whole percent, never 100 before all is there. */
export function percent(part: number, total: number): string {
  const share = total === 0 ? 0 : Math.floor((100 * part) / total) / 100;
  return new Intl.NumberFormat(language, { style: "percent" }).format(share);
}

/** A moment as people name it: "today, 14:05" is left to the language. */
export function moment(time: number): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(time);
}
