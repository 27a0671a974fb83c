// One screen for each step.
import type { Session } from "../session.ts";
import type { Step } from "../steps.ts";
import { done, review, sending } from "./after.ts";
import { permission, welcome } from "./choose.ts";
import { countdown, preview, recording } from "./record.ts";
import { problem, recovery } from "./trouble.ts";

export function screenOf(session: Session, step: Step): HTMLElement {
  switch (step.name) {
    case "welcome":
      return welcome(session, step);
    case "recovery":
      return recovery(session, step);
    case "permission":
      return permission(session, step);
    case "preview":
      return preview(session, step);
    case "countdown":
      return countdown(session, step);
    case "recording":
      return recording(session, step);
    case "review":
      return review(session, step);
    case "sending":
      return sending(session);
    case "done":
      return done(session, step);
    case "problem":
      return problem(session, step);
  }
}
