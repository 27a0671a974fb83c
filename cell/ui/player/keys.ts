// What a key means to the player, as a table. The keys are those that people know from other players.

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

export type Act =
  | { do: "toggle" }
  | { do: "mute" }
  | { do: "full" }
  | { do: "jump"; by: number } // seconds
  | { do: "louder"; by: number } // of 1
  | { do: "part"; of: number } // of the length
  | { do: "speed"; by: 1 | -1 }; // steps in SPEEDS

const ACTS: Record<string, Act> = {
  " ": { do: "toggle" },
  k: { do: "toggle" },
  j: { do: "jump", by: -10 },
  l: { do: "jump", by: 10 },
  ArrowLeft: { do: "jump", by: -5 },
  ArrowRight: { do: "jump", by: 5 },
  ArrowUp: { do: "louder", by: 0.1 },
  ArrowDown: { do: "louder", by: -0.1 },
  m: { do: "mute" },
  f: { do: "full" },
  "<": { do: "speed", by: -1 },
  ">": { do: "speed", by: 1 },
};

type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">;

/** What was meant, or null: the browser's own combinations and unknown keys are left alone. */
export function actOf(press: Press): Act | null {
  if (press.ctrlKey || press.metaKey || press.altKey) return null;
  if (/^[0-9]$/.test(press.key)) return { do: "part", of: Number(press.key) / 10 };
  return ACTS[press.key] ?? ACTS[press.key.toLowerCase()] ?? null;
}

/** The neighbour of this speed, within the list's ends. */
export function nextSpeed(speed: number, by: 1 | -1): number {
  const near = SPEEDS.reduce((best, one) => (Math.abs(one - speed) < Math.abs(best - speed) ? one : best));
  return SPEEDS[SPEEDS.indexOf(near) + by] ?? near;
}
