// What an earlier visit left behind, and the pages for everything that can get in the way.
import { button, h, heading, icon } from "../dom.ts";
import { clock, moment, say } from "../say.ts";
import type { Session } from "../session.ts";
import type { Spooled } from "../spool.ts";
import type { Step } from "../steps.ts";
import type { TextId } from "../texts.ts";
import { TROUBLES, type WayOut } from "../troubles.ts";
import { download } from "./after.ts";

const NAMES: Record<Exclude<WayOut, "copy">, TextId> = {
  again: "Try again",
  others: "Other ways to show it",
  back: "Back to my recording",
  "retry-send": "Try sending again",
  discard: "Delete it",
  reload: "Load this page again",
};

export function problem(session: Session, step: Extract<Step, { name: "problem" }>): HTMLElement {
  const words = TROUBLES[step.trouble];
  const ways = words.ways.filter((way) => session.offers(way));
  const buttons = ways.map((way, at) => {
    if (way === "copy") return download(session);
    const action = way === "discard" ? "discard-upload" : way;
    return button(action, say(NAMES[way]), () => session.takeWayOut(way), { kind: at === 0 ? "primary" : "quiet" });
  });
  return h(
    "div",
    { class: "step step-centred", "data-problem": step.trouble },
    h("div", { class: "picture picture-warn" }, icon(words.icon)),
    heading(say(words.title)),
    h("p", { class: "muted" }, say(words.text)),
    step.detail ? h("p", { class: "detail" }, step.detail) : null,
    h("div", { class: "actions actions-centred" }, ...buttons),
  );
}

export function recovery(session: Session, step: Extract<Step, { name: "recovery" }>): HTMLElement {
  const [recording] = step.found;
  if (!recording) throw new Error("nothing to recover");
  return h(
    "div",
    { class: "step step-centred" },
    h("div", { class: "picture" }, icon("restart")),
    heading(say("A recording was interrupted")),
    h("p", { class: "muted" }, say("It is still on this device and has not been sent completely.")),
    facts(recording),
    h(
      "div",
      { class: "actions actions-centred" },
      button("resume-upload", say("Send what was recorded"), () => session.resumeUpload(recording), { kind: "primary" }),
      button("discard-upload", say("Discard"), () => session.discardUpload(recording), { kind: "quiet", icon: "trash" }),
      session.config.closed ? null : button("later", say("Not now"), () => session.welcome(), { kind: "quiet" }),
    ),
  );
}

function facts(recording: Spooled): HTMLElement {
  const when = [moment(recording.startedAt), recording.durationMs > 0 ? clock(recording.durationMs) : null];
  return h(
    "div",
    { class: "left-behind" },
    icon("library"),
    h(
      "div",
      {},
      h("p", { class: "left-behind-title", dir: "auto" }, recording.title),
      h("p", { class: "muted number" }, [recording.workspace, ...when].filter(Boolean).join(" · ")),
    ),
  );
}
