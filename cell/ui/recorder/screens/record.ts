// Preview, countdown and the recording itself.
import { CaptureError, type Capture } from "../capture.ts";
import { button, h, heading, icon, spoken, whileShown } from "../dom.ts";
import { clock, megabytes, say } from "../say.ts";
import type { Session } from "../session.ts";
import type { Step } from "../steps.ts";
import { notice } from "./choose.ts";

/** The last minute before the limit is counted down. */
const WARN_BEFORE_MS = 60_000;
const METER_BARS = 12;

function pictureOf(capture: Capture): HTMLVideoElement {
  const video = h("video", { class: "picture-live", playsinline: true, autoplay: true, "aria-label": say("What is being shared") });
  video.muted = true;
  video.srcObject = capture.picture;
  return video;
}

export function preview(session: Session, step: Extract<Step, { name: "preview" }>): HTMLElement {
  const { capture } = step;
  const video = pictureOf(capture);
  const other =
    capture.eye === "screen"
      ? button("change", say("Share something else"), () => session.choose("screen"), { kind: "quiet" })
      : button("back", say("Back"), () => session.welcome(), { kind: "quiet" });
  return h(
    "div",
    { class: "step step-wide" },
    heading(capture.eye === "screen" ? say("This is what will be recorded") : say("This is what the camera sees")),
    h("div", { class: "frame" }, video),
    step.storageLow && notice("storage", "There is little space on this device: a long recording may stop early.", "warn"),
    h(
      "div",
      { class: "preview-bar" },
      session.config.allows.includes("microphone") ? voice(capture) : h("span"),
      h(
        "div",
        { class: "actions" },
        capture.eye === "camera" ? turnButton(capture, video) : null,
        other,
        button("start", say("Start recording"), () => session.start(), { kind: "primary", icon: "record" }),
      ),
    ),
  );
}

/** On phones: the camera on the other side. */
function turnButton(capture: Capture, video: HTMLVideoElement): HTMLElement {
  const turn = button(
    "turn",
    say("Other camera"),
    async () => {
      await capture.turn();
      video.srcObject = capture.picture;
    },
    { icon: "restart" },
  );
  turn.hidden = true;
  void capture.canTurn().then((can) => {
    turn.hidden = !can;
  });
  return turn;
}

/** The switch for the microphone with its level beside it. Nobody has to talk. */
function voice(capture: Capture): HTMLElement {
  const input = h("input", { type: "checkbox", name: "microphone", class: "switch", role: "switch" });
  const hint = spoken("voice-hint");
  const bars = meter(() => capture.level());
  const tell = () => {
    input.checked = capture.hasMicrophone;
    bars.hidden = !capture.hasMicrophone;
    hint.textContent = capture.hasMicrophone
      ? say("Say something: the bars move when you are heard.")
      : capture.hasSystemSound
        ? say("Your voice is not recorded. The sound of what you share is.")
        : say("Optional. Talking while you show it often helps.");
  };
  input.addEventListener("change", async () => {
    input.disabled = true;
    let said: string | null = null;
    try {
      await capture.useMicrophone(input.checked);
    } catch (error) {
      said = microphoneFault(error);
    }
    input.disabled = false;
    tell();
    if (said) hint.textContent = said;
  });
  tell();
  return h(
    "label",
    { class: "voice" },
    h("span", { class: "voice-icon" }, icon("microphone")),
    h("span", { class: "voice-text" }, h("span", { class: "voice-title" }, say("Record my voice"), bars), hint),
    input,
  );
}

function microphoneFault(error: unknown): string {
  const fault = error instanceof CaptureError ? error.fault : null;
  if (fault === "no-device") return say("No microphone was found. You can record without one.");
  if (fault === "busy") return say("The microphone does not answer. You can record without it.");
  return say("The microphone is not allowed. You can record without it, or allow it next to this page's address.");
}

/** Bars that light up with the voice; the level is also a number for the style sheet. */
function meter(level: () => number): HTMLElement {
  const bars = Array.from({ length: METER_BARS }, () => h("i"));
  const element = h("span", { class: "meter", "aria-hidden": "true" }, ...bars);
  let shown = 0;
  whileShown(element, () => {
    shown = Math.max(level(), shown * 0.92); // Rises at once, falls softly: easier to read.
    bars.forEach((bar, at) => bar.classList.toggle("on", shown * METER_BARS > at + 0.5));
  });
  return element;
}

export function countdown(session: Session, step: Extract<Step, { name: "countdown" }>): HTMLElement {
  return h(
    "div",
    { class: "step step-centred" },
    h("div", { class: "count", "aria-hidden": "true" }, String(step.seconds)),
    heading(say("Recording starts in {seconds}", { seconds: String(step.seconds) })),
    h("p", { class: "muted" }, say("Go to what you want to show. Come back to this tab to stop.")),
    button("cancel", say("Cancel"), () => session.cancel(), { kind: "quiet" }),
  );
}

export function recording(session: Session, step: Extract<Step, { name: "recording" }>): HTMLElement {
  const { take } = step;
  const time = h("span", { class: "bar-time number", role: "timer", "aria-label": say("Recorded time") });
  const word = spoken("bar-word");
  const title = heading(say("You are recording"));
  const pause = button("pause", say("Pause"), () => set(() => take.pause()), { kind: "quiet", icon: "pause" });
  const resume = button("resume", say("Go on"), () => set(() => take.resume()), { kind: "quiet", icon: "play" });
  const mute = button("mute", say("Mute"), () => set(() => (take.muted = !take.muted)), { kind: "quiet" });
  const bar = h("div", { class: "bar", role: "group", "aria-label": say("Recording") });
  const tell = () => {
    bar.classList.toggle("bar-paused", take.paused);
    title.textContent = take.paused ? say("Recording is paused") : say("You are recording");
    word.textContent = take.paused ? say("Paused") : say("Recording");
    pause.hidden = take.paused;
    resume.hidden = !take.paused;
    mute.setAttribute("aria-pressed", String(take.muted));
    mute.replaceChildren(icon(take.muted ? "muted" : "microphone"), h("span", {}, take.muted ? say("Unmute") : say("Mute")));
  };
  const set = (act: () => void) => {
    const before = document.activeElement;
    act();
    tell();
    // The button that was pressed may be gone: its counterpart takes the focus.
    if (before === pause) resume.focus();
    if (before === resume) pause.focus();
  };
  tell();
  bar.append(
    h(
      "span",
      { class: "bar-state" },
      h("span", { class: "dot" }),
      word,
      time,
      take.capture.hasMicrophone ? meter(() => (take.muted ? 0 : take.capture.level())) : null,
    ),
    h(
      "span",
      { class: "bar-buttons" },
      pause,
      resume,
      take.capture.hasMicrophone ? mute : null,
      button("stop", say("Stop"), () => session.stop(), { kind: "danger", icon: "stop" }),
    ),
  );
  const element = h(
    "div",
    { class: "step step-wide" },
    title,
    h("div", { class: "frame" }, pictureOf(take.capture)),
    bar,
    h("div", { class: "under-bar" }, saved(session), button("cancel", say("Cancel and delete"), () => session.cancel(), { kind: "quiet", icon: "trash" })),
  );
  const limitMs = session.config.limits.seconds * 1000;
  whileShown(
    element,
    () => {
      time.textContent = clock(take.elapsedMs);
      document.title = `${take.paused ? "❚❚" : "●"} ${clock(take.elapsedMs)}`;
      const left = limitMs - take.elapsedMs;
      time.classList.toggle("bar-ends", left < WARN_BEFORE_MS);
      if (left < WARN_BEFORE_MS) title.textContent = say("Recording ends in {time}", { time: clock(left) });
    },
    250,
  );
  return element;
}

/** What has already been brought to safety while recording goes on. */
function saved(session: Session): HTMLElement {
  const line = h("p", { class: "muted number" });
  session.watch(({ delivered, condition }) => {
    line.textContent =
      condition === "moving"
        ? delivered > 0
          ? say("Saved as you go: {size}", { size: megabytes(delivered) })
          : say("Saved as you go")
        : say("No connection. Your recording is kept on this device and sent later.");
  });
  return line;
}
