// What each trouble is called, what it means for the customer, and the ways out that the page offers.
import { CaptureError } from "./capture.ts";
import { TooLarge } from "./delivery.ts";
import { Problem, Unreachable } from "./problem.ts";
import { SpoolFull } from "./spool.ts";
import type { Trouble } from "./steps.ts";
import type { TextId } from "./texts.ts";

/** again: the same once more. others: the other ways to show it. retry-send, copy, discard: of what is recorded. reload: the page. */
export type WayOut = "again" | "others" | "retry-send" | "copy" | "discard" | "reload" | "back";

export interface Words {
  title: TextId;
  text: TextId;
  icon: string;
  ways: WayOut[];
}

export const TROUBLES: Record<Trouble, Words> = {
  "screen-not-shared": {
    title: "Nothing was shared",
    text: "The browser's window was closed, or it may not record the screen. Choose a screen, a window or a tab there, then press “Share”.",
    icon: "screen",
    ways: ["again", "others", "back"],
  },
  "camera-denied": {
    title: "The camera is not allowed here",
    text: "Open the settings next to the address of this page, allow the camera, and try again.",
    icon: "lock",
    ways: ["again", "others", "back"],
  },
  "blocked-by-system": {
    title: "Your computer does not let the browser record",
    text: "Allow your browser to record in the privacy settings of your computer. It may have to be restarted after that.",
    icon: "lock",
    ways: ["again", "others", "back"],
  },
  "no-camera": {
    title: "No camera was found",
    text: "Connect a camera and try again, or show it another way.",
    icon: "camera",
    ways: ["again", "others", "back"],
  },
  "camera-busy": {
    title: "The camera does not answer",
    text: "Another program may be using it. Close that program and try again.",
    icon: "camera",
    ways: ["again", "others", "back"],
  },
  unsupported: {
    title: "This browser cannot record",
    text: "Open the link in a current Chrome, Edge, Firefox or Safari. A video that you already have can be sent from here.",
    icon: "alert",
    ways: ["others"],
  },
  "storage-full": {
    title: "There is not enough space",
    text: "While you record, a copy is kept on this device so that nothing gets lost. Free some space and try again.",
    icon: "storage",
    ways: ["again", "others"],
  },
  "link-expired": {
    title: "This link has expired",
    text: "Ask whoever sent it to you for a new one.",
    icon: "hourglass",
    ways: ["back", "reload"],
  },
  "link-revoked": {
    title: "This link is no longer in use",
    text: "It was withdrawn by the people who sent it. Ask them for a new one.",
    icon: "ban",
    ways: ["back", "reload"],
  },
  "link-used-up": {
    title: "This link has been used",
    text: "A recording was already made with it. Ask whoever sent it to you for a new one.",
    icon: "check-circle",
    ways: ["back", "reload"],
  },
  "not-found": {
    title: "This link does not work",
    text: "It may have been copied only in part. Open it again from the message, or ask for a new one.",
    icon: "link",
    ways: ["reload"],
  },
  "too-many-requests": {
    title: "Too many attempts",
    text: "Wait a minute and try again.",
    icon: "clock",
    ways: ["again", "back"],
  },
  offline: {
    title: "You are offline",
    text: "Connect to the internet and try again.",
    icon: "offline",
    ways: ["again", "back"],
  },
  unreachable: {
    title: "We cannot be reached",
    text: "This is most likely a short interruption. Try again in a moment.",
    icon: "offline",
    ways: ["again", "back"],
  },
  "not-a-video": {
    title: "This file is not a video",
    text: "Choose a video, such as a screen recording made with your phone.",
    icon: "file",
    ways: ["others", "back"],
  },
  "too-large": {
    title: "This is too large",
    text: "Choose a shorter video, or record the part that matters.",
    icon: "file",
    ways: ["others", "back"],
  },
  "nothing-recorded": {
    title: "Nothing was recorded",
    text: "It stopped before the first picture. Record for a second or more.",
    icon: "record",
    ways: ["again", "others"],
  },
  "upload-refused": {
    title: "It could not be sent",
    text: "Your recording is still on this device. Try again, or keep a copy and send it another way.",
    icon: "alert",
    ways: ["retry-send", "copy", "discard"],
  },
  "upload-closed": {
    title: "This recording is closed",
    text: "It cannot be added to any more. What you recorded is still on this device.",
    icon: "lock",
    ways: ["copy", "discard"],
  },
  "processing-failed": {
    title: "The video could not be prepared",
    text: "It arrived, but something went wrong with it. Your recording is still on this device.",
    icon: "alert",
    ways: ["retry-send", "copy", "discard"],
  },
};

const OF_SCREEN: Record<CaptureError["fault"], Trouble> = {
  denied: "screen-not-shared",
  "blocked-by-system": "blocked-by-system",
  "nothing-shared": "screen-not-shared",
  "no-device": "screen-not-shared",
  busy: "screen-not-shared",
  unsupported: "unsupported",
};

const OF_CAMERA: Record<CaptureError["fault"], Trouble> = {
  denied: "camera-denied",
  "blocked-by-system": "blocked-by-system",
  "nothing-shared": "camera-denied",
  "no-device": "no-camera",
  busy: "camera-busy",
  unsupported: "unsupported",
};

export function captureTrouble(error: unknown, eye: "screen" | "camera"): Trouble {
  if (!(error instanceof CaptureError)) return "unsupported";
  return (eye === "screen" ? OF_SCREEN : OF_CAMERA)[error.fault];
}

/** What a failed start of a recording means. */
export function startTrouble(error: unknown, online: boolean): Trouble {
  if (error instanceof Unreachable) return online ? "unreachable" : "offline";
  if (!(error instanceof Problem)) return error instanceof DOMException ? "unsupported" : "unreachable";
  switch (error.slug) {
    case "link-expired":
    case "link-revoked":
    case "link-used-up":
    case "not-found":
    case "too-many-requests":
      return error.slug;
    default:
      return error.status < 500 ? "not-found" : "unreachable";
  }
}

/** What a failed sending means; the recording is still in the spool. */
export function sendTrouble(error: unknown): Trouble {
  if (error instanceof TooLarge) return "too-large";
  if (error instanceof SpoolFull) return "storage-full";
  const closed = ["recording-closed", "manifest-differs", "not-found"];
  return error instanceof Problem && closed.includes(error.slug) ? "upload-closed" : "upload-refused";
}
