// What a key means in the library, apart from any page, so that it can be read and tested as a table.

export type Act = "search" | "up" | "down" | "left" | "right" | "first" | "last" | "copy" | "help" | "new";

const ACTS: Record<string, Act> = {
  "/": "search",
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
  Home: "first",
  End: "last",
  c: "copy",
  "?": "help",
  n: "new",
};

type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">;

/** What was meant, or null: keys of the browser (with Ctrl, Alt, Cmd) and unknown ones are left alone. */
export function actOf(press: Press): Act | null {
  if (press.ctrlKey || press.metaKey || press.altKey) return null;
  return ACTS[press.key] ?? null;
}

/** Keys belong to who writes or chooses: fields, lists of choices, players, open dialogs. */
export function belongsToField(target: Element | null): boolean {
  return target?.closest("input, textarea, select, dialog[open], cell-player, [contenteditable]") != null;
}

/**
 * Where the selection goes. `at` is -1 when nothing is selected yet; `columns` is 1 in the list.
 * Left and right mean something in the grid alone, and are swapped where text runs right to left.
 */
export function move(act: Act, at: number, count: number, columns: number, rtl: boolean): number {
  if (count === 0) return -1;
  if (act === "first") return 0;
  if (act === "last") return count - 1;
  if (at < 0) return 0;
  if (columns === 1 && (act === "left" || act === "right")) return at;
  const forward = rtl ? -1 : 1;
  const steps: Partial<Record<Act, number>> = { up: -columns, down: columns, left: -forward, right: forward };
  const to = at + (steps[act] ?? 0);
  return to < 0 || to >= count ? at : to;
}
