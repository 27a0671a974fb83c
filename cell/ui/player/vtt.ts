// Reads the storyboard: a WebVTT file whose cues name a rectangle of one sprite image (https://www.w3.org/TR/media-frags/#naming-space).

/** A picture of the storyboard: shown from `start` until `end` (seconds), cut at x, y, w, h (px) from the sprite. */
export type Frame = { start: number; end: number; x: number; y: number; w: number; h: number };

const TIMES = /^((?:\d+:)?\d{2}:\d{2}\.\d{3})\s+-->\s+((?:\d+:)?\d{2}:\d{2}\.\d{3})/;
const RECTANGLE = /#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)\s*$/;

/** `[h:]mm:ss.mmm` in seconds. */
function seconds(stamp: string): number {
  return stamp.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** All frames in the order of the file; cues that are not understood are left out. */
export function parseStoryboard(vtt: string): Frame[] {
  const frames: Frame[] = [];
  for (const block of vtt.replace(/\r\n?/g, "\n").split(/\n{2,}/)) {
    const lines = block.split("\n");
    const at = lines.findIndex((line) => TIMES.test(line));
    const times = TIMES.exec(lines[at] ?? "");
    const cut = RECTANGLE.exec(lines[at + 1] ?? "");
    if (!times || !cut) continue;
    const [x, y, w, h] = cut.slice(1).map(Number) as [number, number, number, number];
    frames.push({ start: seconds(times[1] ?? ""), end: seconds(times[2] ?? ""), x, y, w, h });
  }
  return frames;
}

/** The frame at this second; the last one covers what lies behind it. Undefined for an empty storyboard. */
export function frameAt(frames: Frame[], second: number): Frame | undefined {
  return frames.find((frame) => second < frame.end) ?? frames.at(-1);
}
