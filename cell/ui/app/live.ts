// Recordings as they happen: the cell says which recording changed, the page asks for that row and puts it in its place.
import htmx from "htmx.org";
import { text } from "./texts.ts";
import { announce, toast } from "./toasts.ts";

type Change = { id: string; state: string };

const RETRY_MS = 5000; // while the cell restarts it may refuse for some seconds

const base = (): string => document.body.dataset["base"] ?? "";
const rowOf = (id: string): HTMLElement | null => document.getElementById(`recording-${id}`);

/** The present filter as a query: the answer is the row, or 204 where the filter does not show it. */
function filter(): string {
  const form = document.getElementById("library-form");
  if (!(form instanceof HTMLFormElement)) return "";
  return new URLSearchParams(new FormData(form) as unknown as Record<string, string>).toString();
}

/** Somebody reads or points at a row: then it must not move away from under the eye. */
function isBeingRead(list: HTMLElement): boolean {
  return scrollY > 0 || list.matches(":hover") || list.contains(document.activeElement);
}

/** New on top. Where the list is being read, the page scrolls by as much as was put in. */
function prepend(list: HTMLElement, row: HTMLElement): void {
  const anchor = list.firstElementChild;
  const reading = isBeingRead(list);
  const before = anchor?.getBoundingClientRect().top ?? 0;
  list.prepend(row);
  row.classList.add("recording-new");
  if (reading && anchor) scrollBy({ top: anchor.getBoundingClientRect().top - before, behavior: "instant" });
}

function parseRow(html: string): HTMLElement | null {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.querySelector("li");
}

function place(id: string, fresh: HTMLElement): void {
  const list = document.getElementById("recordings");
  const old = rowOf(id);
  if (old) {
    const focused = old.contains(document.activeElement);
    old.replaceWith(fresh);
    if (focused) fresh.querySelector<HTMLElement>(".recording-title")?.focus({ preventScroll: true });
  } else if (list) {
    document.querySelector(".library-empty")?.remove();
    prepend(list, fresh);
  }
  htmx.process(fresh);
}

function say(known: string | undefined, fresh: HTMLElement): void {
  const state = fresh.dataset["state"];
  if (state === known) return;
  const title = fresh.dataset["title"] ?? "";
  if (state === "ready") toast(text("nowReady", { title }), fresh.querySelector("a")?.getAttribute("href") ?? undefined);
  else if (state === "failed") toast(text("nowFailed", { title }));
  else if (known === undefined) announce(text("newRecording", { title }));
}

/** Rows are fetched one after another: two changes of one recording must not overtake each other. */
let queue: Promise<void> = Promise.resolve();

async function refreshRow(id: string): Promise<void> {
  const answer = await fetch(`${base()}/recordings/${encodeURIComponent(id)}/row?${filter()}`, { headers: { "HX-Request": "true" } });
  if (answer.status === 204 || answer.status === 404) return rowOf(id)?.remove();
  if (!answer.ok) return;
  const fresh = parseRow(await answer.text());
  if (!fresh) return;
  const known = rowOf(id)?.dataset["state"];
  place(id, fresh);
  say(known, fresh);
}

/** The watch page draws itself anew when its recording reaches another state; a mere rename leaves the video alone. */
async function refreshWatch(page: HTMLElement, change: Change): Promise<void> {
  if (page.dataset["id"] !== change.id || page.dataset["state"] === change.state) return;
  if (change.state === "deleted") return location.assign(`${base()}/library`); // by somebody, for everyone
  await htmx.ajax("get", location.pathname, { target: "#watch", select: "#watch", swap: "outerHTML" });
  if (change.state === "ready") announce(text("nowReady", { title: page.dataset["title"] ?? "" }));
}

function onChange(change: Change): void {
  queue = queue
    .then(async () => {
      const page = document.getElementById("watch");
      if (page) await refreshWatch(page, change);
      else await refreshRow(change.id);
    })
    .catch(() => undefined); // the next event, or coming back online, mends what a lost request left
}

/** What happened while nobody was connected is unknown: ask for the whole view again. */
function catchUp(): void {
  if (document.getElementById("library")) {
    void htmx.ajax("get", `${base()}/library?${filter()}`, { target: "#library" });
  } else if (document.getElementById("watch")?.dataset["state"] !== "ready") {
    void htmx.ajax("get", location.pathname, { target: "#watch", select: "#watch", swap: "outerHTML" });
  }
}

/** Listen. The browser itself comes back after a broken connection, but gives up on a refusal: then we come back. */
function listen(lost: boolean): void {
  const source = new EventSource(`${base()}/events`);
  source.addEventListener("recording", (event) => onChange(JSON.parse((event as MessageEvent<string>).data) as Change));
  source.addEventListener("error", () => {
    lost = true;
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(true), RETRY_MS);
  });
  source.addEventListener("open", () => {
    if (lost) catchUp();
    lost = false;
  });
}

export function followRecordings(): void {
  if (!document.querySelector("#library, #watch")) return;
  listen(false);
  addEventListener("offline", () => toast(text("offline")));
  addEventListener("online", () => toast(text("online")));
}
