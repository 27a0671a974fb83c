// The library under the keyboard, and its look (list or grid), which the browser remembers.
import { copy } from "./copy.ts";
import { open } from "./dialogs.ts";
import { actOf, belongsToField, move, type Act } from "./keys.ts";
import { text } from "./texts.ts";
import { toast } from "./toasts.ts";

const LOOK = "cellcast.library.look";

function remembered(): string {
  try {
    return localStorage.getItem(LOOK) ?? "list";
  } catch {
    return "list"; // storage may be forbidden; the look is then of this page only
  }
}

function setLook(look: string): void {
  const library = document.getElementById("library");
  if (library) library.dataset["look"] = look;
  for (const button of document.querySelectorAll<HTMLElement>("[data-look][aria-pressed]")) {
    button.setAttribute("aria-pressed", String(button.dataset["look"] === look));
  }
}

function titles(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("#recordings .recording-title")];
}

/** How many stand side by side: as many as share the first one's upper edge. */
function columns(rows: HTMLElement[]): number {
  const tops = rows.map((row) => row.closest("li")?.offsetTop ?? 0);
  const next = tops.findIndex((top) => top !== tops[0]);
  return next === -1 ? Math.max(1, tops.length) : next;
}

function select(act: Act): void {
  const rows = titles();
  const at = rows.findIndex((row) => row.closest("li")?.contains(document.activeElement));
  const width = document.getElementById("library")?.dataset["look"] === "grid" ? columns(rows) : 1;
  const row = rows[move(act, at, rows.length, width, document.dir === "rtl")];
  row?.focus({ preventScroll: true });
  row?.closest("li")?.scrollIntoView({ block: "nearest" });
}

async function copySelected(): Promise<void> {
  const row = document.activeElement?.closest("li.recording") ?? document.querySelector("li.recording:hover, .facts-actions");
  const value = row?.querySelector<HTMLElement>("[data-copy]")?.dataset["copy"];
  if (value && (await copy(value))) toast(text("copied"));
}

function perform(act: Act): void {
  if (act === "search") document.getElementById("search")?.focus();
  else if (act === "help") open("keys");
  else if (act === "new") open("new-link");
  else if (act === "copy") void copySelected();
  else select(act);
}

/** From the search field, the arrow down goes on to the first recording and Escape gives the page back. */
function leaveSearch(event: KeyboardEvent): void {
  if (event.key === "ArrowDown") titles()[0]?.focus();
  else if (event.key === "Escape") (event.target as HTMLElement).blur();
  else return;
  event.preventDefault();
}

function onKey(event: KeyboardEvent): void {
  const target = event.target as Element;
  if (target.id === "search") return leaveSearch(event);
  const act = actOf(event);
  if (act === null || belongsToField(target)) return;
  if (act === "search" && !document.getElementById("search")) return;
  const isMove = !["search", "help", "new", "copy"].includes(act);
  if (isMove && titles().length === 0) return;
  if (isMove && (act === "first" || act === "last") && !target.closest("#recordings")) return; // the page's own Home and End
  event.preventDefault();
  perform(act);
}

export function watchLibrary(): void {
  setLook(remembered());
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    const look = (event.target as Element).closest<HTMLElement>("[data-look][aria-pressed]")?.dataset["look"];
    if (!look) return;
    setLook(look);
    try {
      localStorage.setItem(LOOK, look);
    } catch {
      // Forbidden storage: nothing to remember it in.
    }
  });
}
