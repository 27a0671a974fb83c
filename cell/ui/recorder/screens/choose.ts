// The first steps: choosing how to show it, and the browser's own dialog.
import { abilities } from "../capture.ts";
import { button, h, heading, icon } from "../dom.ts";
import { say } from "../say.ts";
import type { Session } from "../session.ts";
import type { Step } from "../steps.ts";
import type { TextId } from "../texts.ts";

type Way = { action: "screen" | "camera" | "file"; title: TextId; text: TextId };

const WAYS: Way[] = [
  { action: "screen", title: "Record my screen", text: "The whole screen, one window or one tab" },
  { action: "camera", title: "Record with the camera", text: "Film a device, a label, a room" },
  { action: "file", title: "Send a video I have", text: "Such as a screen recording made with your phone" },
];

/** The ways that the link allows and the browser can; null when there is none. */
function ways(session: Session): Way[] {
  const can = { ...abilities(), file: true };
  return WAYS.filter(({ action }) => can[action] && session.config.allows.includes(action));
}

export function welcome(session: Session, step: Extract<Step, { name: "welcome" }>): HTMLElement {
  const offered = ways(session);
  const picker = filePicker(session);
  const tiles = offered.map((way, at) => {
    const act = way.action === "file" ? () => picker.click() : () => session.choose(way.action as "screen" | "camera");
    return tile(way, at === 0, act);
  });
  const note = step.note && notice(step.note === "cancelled" ? "check-circle" : "info", NOTES[step.note]);
  if (offered.length === 0) return nothingOffered(session);
  return h(
    "div",
    { class: "step" },
    note,
    heading(say("How would you like to show it?")),
    phoneHint(session),
    h("div", { class: "ways" }, ...tiles),
    picker,
  );
}

const NOTES: Record<NonNullable<Extract<Step, { name: "welcome" }>["note"]>, TextId> = {
  forgotten: "Deleted from this device. What had arrived before can be deleted by the people who asked for it.",
  cancelled: "Cancelled. Everything that was uploaded is deleted.",
  "sharing-ended": "Sharing has ended, so nothing was recorded.",
};

export function notice(drawing: string, text: TextId, kind = "info"): HTMLElement {
  return h("div", { class: `notice notice-${kind}`, role: "status" }, icon(drawing), h("p", {}, say(text)));
}

function tile(way: Way, primary: boolean, act: () => unknown): HTMLElement {
  const element = h(
    "button",
    { type: "button", class: primary ? "way way-primary" : "way", "data-action": way.action },
    h("span", { class: "way-icon" }, icon(way.action === "file" ? "upload" : way.action)),
    h(
      "span",
      { class: "way-text" },
      h("span", { class: "way-title" }, say(way.title)),
      h("span", { class: "way-hint" }, say(way.text)),
    ),
    icon("next"),
  );
  element.addEventListener("click", () => void act());
  return element;
}

/** On a phone the screen cannot be recorded from a page: say what to do instead. */
function phoneHint(session: Session): HTMLElement | null {
  if (abilities().screen || !session.config.allows.includes("screen")) return null;
  const text = session.config.allows.includes("file")
    ? say("This browser cannot record the screen. Record it with your device's own screen recorder and send the video, or open this link on a computer.")
    : say("This browser cannot record the screen. Open this link on a computer to do that.");
  return h("p", { class: "muted" }, text);
}

function nothingOffered(session: Session): HTMLElement {
  const text = session.config.allows.includes("screen")
    ? say("Open this link in a current Chrome, Edge, Firefox or Safari on a computer.")
    : say("Open this link in a current Chrome, Edge, Firefox or Safari.");
  return h(
    "div",
    { class: "step step-centred" },
    h("div", { class: "picture" }, icon("alert")),
    heading(say("This browser cannot record")),
    h("p", { class: "muted" }, text),
    h("p", { class: "link-to-copy" }, location.href),
    button("copy-link", say("Copy the link"), () => navigator.clipboard.writeText(location.href), {
      kind: "primary",
      icon: "copy",
    }),
  );
}

function filePicker(session: Session): HTMLInputElement {
  const input = h("input", {
    type: "file",
    name: "file",
    accept: "video/*",
    class: "only-heard",
    tabindex: "-1",
    "aria-label": say("Choose a video"),
  });
  input.addEventListener("change", async () => {
    const [file] = input.files ?? [];
    if (file) session.chooseFile(file, await lengthOf(file));
  });
  return input;
}

/** Length of a video file in milliseconds as the browser sees it; 0 when it does not tell. A hint, not more. */
async function lengthOf(file: File): Promise<number> {
  const video = document.createElement("video");
  const url = URL.createObjectURL(file);
  try {
    return await new Promise((resolve) => {
      video.onloadedmetadata = () => resolve(Number.isFinite(video.duration) ? video.duration * 1000 : 0);
      video.onerror = () => resolve(0);
      setTimeout(() => resolve(0), 3000);
      video.preload = "metadata";
      video.src = url;
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}

export function permission(session: Session, step: Extract<Step, { name: "permission" }>): HTMLElement {
  const screen = step.source === "screen";
  return h(
    "div",
    { class: "step step-centred" },
    screen ? drawnPicker() : drawnQuestion(),
    heading(screen ? say("Choose what to share") : say("Allow the camera")),
    h(
      "p",
      { class: "muted" },
      screen
        ? say("Your browser asks what you want to show. Pick a screen, a window or a tab and press “Share”. Recording does not start yet.")
        : say("Your browser asks whether this page may use the camera. Press “Allow”. Recording does not start yet."),
    ),
    button("back", say("Back"), () => session.welcome(), { kind: "quiet" }),
  );
}

/** The browser's dialog, drawn: three tabs, two things to pick, the button to press. */
function drawnPicker(): HTMLElement {
  const part = (name: string, ...inside: Node[]) => h("span", { class: `drawn-${name}` }, ...inside);
  return h(
    "div",
    { class: "drawn", "aria-hidden": "true" },
    part("tabs", part("tab"), part("tab"), part("tab")),
    part("choices", part("choice", icon("screen")), part("choice", icon("library"))),
    part("buttons", part("no"), part("yes")),
  );
}

function drawnQuestion(): HTMLElement {
  const part = (name: string, ...inside: Node[]) => h("span", { class: `drawn-${name}` }, ...inside);
  return h(
    "div",
    { class: "drawn drawn-question", "aria-hidden": "true" },
    part("line", icon("camera"), part("words")),
    part("buttons", part("no"), part("yes")),
  );
}
