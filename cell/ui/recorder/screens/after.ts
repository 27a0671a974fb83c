// Review, sending and done.
import { button, h, heading, icon, spoken } from "../dom.ts";
import { clock, megabytes, percent, say } from "../say.ts";
import type { Session } from "../session.ts";
import type { Step } from "../steps.ts";
import type { TextId } from "../texts.ts";
import { notice } from "./choose.ts";

type Review = Extract<Step, { name: "review" }>;

const STOPPED: Record<NonNullable<Review["note"]>, TextId> = {
  full: "Recording stopped because the space on this device is used up. What you recorded until then is here.",
  limit: "Recording stopped because it reached the longest time allowed.",
  ended: "Sharing was ended, so recording stopped.",
};

export function review(session: Session, step: Review): HTMLElement {
  const whom = session.config.link.agent ?? session.config.workspace.name;
  const facts = [step.durationMs > 0 ? clock(step.durationMs) : null, megabytes(step.video.size)].filter(Boolean).join(" · ");
  const again = step.source === "file" ? say("Choose another") : say("Record again");
  return h(
    "div",
    { class: "step step-wide" },
    heading(say("Have a look before you send it")),
    step.note && notice("info", STOPPED[step.note]),
    h("div", { class: "frame" }, player(step.video)),
    h(
      "div",
      { class: "review-bar" },
      h("p", { class: "muted number" }, facts),
      h(
        "div",
        { class: "actions" },
        button("cancel", step.source === "file" ? say("Cancel") : say("Delete"), () => session.cancel(), { kind: "quiet" }),
        button("retake", again, () => session.retake(), { icon: "restart" }),
        button("send", say("Send to {name}", { name: whom }), () => session.send(), { kind: "primary" }),
      ),
    ),
  );
}

/** Plays what was recorded. A fresh WebM does not know its length: seeking to the far end makes the browser find out. */
function player(bytes: Blob): HTMLVideoElement {
  const video = h("video", { class: "picture-kept", controls: true, playsinline: true, "aria-label": say("Your recording") });
  video.src = URL.createObjectURL(bytes);
  video.addEventListener("loadedmetadata", function measure() {
    if (video.duration !== Infinity) return;
    video.addEventListener("durationchange", () => (video.currentTime = 0), { once: true });
    video.currentTime = Number.MAX_SAFE_INTEGER;
  }, { once: true });
  return video;
}

export function sending(session: Session): HTMLElement {
  const bar = h("progress", { max: "100", "aria-label": say("Sent") });
  const share = h("span", { class: "send-share number" });
  const amount = h("span", { class: "muted number" });
  const hint = spoken("muted");
  const retry = button("retry", say("Try now"), () => session.nudge(), { icon: "restart" });
  session.watch(({ delivered, total, condition }) => {
    if (total > 0) bar.value = (100 * delivered) / total;
    share.textContent = percent(delivered, total);
    amount.textContent = say("{part} of {whole}", { part: megabytes(delivered), whole: megabytes(total) });
    retry.hidden = condition !== "stuck";
    const said =
      condition === "offline"
        ? say("You are offline. Sending goes on by itself when you are connected again.")
        : condition === "stuck"
          ? say("We cannot be reached at the moment. Sending goes on by itself.")
          : say("Please keep this tab open until it says that everything has arrived.");
    if (hint.textContent !== said) hint.textContent = said; // Said once, not with every percent.
  });
  return h(
    "div",
    { class: "step step-centred" },
    h("div", { class: "picture" }, icon("upload")),
    heading(say("Sending your recording")),
    h("div", { class: "send" }, h("div", { class: "send-line" }, share, amount), h("div", { class: "progress" }, bar)),
    hint,
    h("div", { class: "actions" }, retry, button("cancel", say("Cancel and delete"), () => session.cancel(), { kind: "quiet" })),
  );
}

export function done(session: Session, step: Extract<Step, { name: "done" }>): HTMLElement {
  const name = session.config.link.agent ?? session.config.workspace.name;
  const ready = step.outcome !== null;
  return h(
    "div",
    { class: "step step-centred" },
    h("div", { class: "picture picture-good" }, icon("check")),
    heading(say("Thank you. Everything has arrived.")),
    h(
      "p",
      { class: "muted", role: "status" },
      ready
        ? say("{name} can watch it now. You may close this tab.", { name })
        : say("{name} can watch it in a moment. You may close this tab.", { name }),
    ),
    h("p", { class: ready ? "badge badge-good" : "badge badge-info badge-live" }, h("span", { class: "badge-dot" }), ready ? say("Ready to watch") : say("Being prepared")),
    step.source === "file" ? null : download(session),
  );
}

/** "Keep a copy": the recording as a file, straight from this device. */
export function download(session: Session): HTMLElement {
  return button(
    "copy",
    say("Download a copy for yourself"),
    async () => {
      const copy = await session.copy();
      if (!copy) return;
      const ending = copy.type.startsWith("video/mp4") ? "mp4" : "webm";
      const url = URL.createObjectURL(copy);
      h("a", { href: url, download: `${session.config.link.title || "recording"}.${ending}` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    },
    { icon: "download" },
  );
}
