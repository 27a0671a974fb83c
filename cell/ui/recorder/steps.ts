// The steps of the page and which may follow which.
import type { Capture } from "./capture.ts";
import type { Outcome } from "./delivery.ts";
import type { Spooled } from "./spool.ts";
import type { Source } from "./protocol.ts";
import type { Take } from "./take.ts";

/** What stands in the way; each has its own words and its own way out (troubles.ts). */
export type Trouble =
  | "screen-not-shared"
  | "camera-denied"
  | "blocked-by-system"
  | "no-camera"
  | "camera-busy"
  | "unsupported"
  | "storage-full"
  | "link-expired"
  | "link-revoked"
  | "link-used-up"
  | "not-found"
  | "too-many-requests"
  | "offline"
  | "unreachable"
  | "not-a-video"
  | "too-large"
  | "nothing-recorded"
  | "upload-refused"
  | "upload-closed"
  | "processing-failed";

export type Step =
  | { name: "welcome"; note: "cancelled" | "forgotten" | "sharing-ended" | null }
  | { name: "recovery"; found: Spooled[] }
  | { name: "permission"; source: "screen" | "camera" }
  | { name: "preview"; capture: Capture; storageLow: boolean }
  | { name: "countdown"; seconds: number }
  | { name: "recording"; take: Take }
  | { name: "review"; video: Blob; durationMs: number; source: Source; note: "full" | "limit" | "ended" | null }
  | { name: "sending" }
  | { name: "done"; outcome: Outcome | null; source: Source }
  | { name: "problem"; trouble: Trouble; detail: string | null };

export type StepName = Step["name"];

const FOLLOWS: Record<StepName, readonly StepName[]> = {
  recovery: ["welcome", "sending", "recovery"],
  welcome: ["permission", "review", "recovery", "welcome"],
  permission: ["preview", "welcome"],
  preview: ["countdown", "welcome", "permission"],
  countdown: ["countdown", "recording", "welcome"],
  recording: ["review", "welcome"],
  review: ["sending", "permission", "review", "welcome"],
  sending: ["done", "welcome", "review"],
  done: ["done", "sending", "welcome"],
  problem: ["welcome", "recovery", "permission", "preview", "review", "sending", "done"],
};

/** True when `to` may be shown after `from`. Trouble may come at any time. */
export function mayFollow(from: StepName, to: StepName): boolean {
  return to === "problem" || FOLLOWS[from].includes(to);
}

/** True while closing the tab would lose something or leave something half done. */
export function losesWhenClosed(step: Step): boolean {
  return ["countdown", "recording", "review", "sending"].includes(step.name);
}
