// The recorder page: reads its configuration, shows one step at a time, warns before something would be lost.
import { readConfig } from "./config.ts";
import { openSpool } from "./disk-spool.ts";
import { put } from "./put.ts";
import { say, speak } from "./say.ts";
import { screenOf } from "./screens/index.ts";
import { Session } from "./session.ts";
import { losesWhenClosed, type Step } from "./steps.ts";
import { browser, traced } from "./world.ts";

async function main(): Promise<void> {
  const config = readConfig(document);
  const stage = document.querySelector<HTMLElement>("#recorder-stage");
  if (!config || !stage) return;
  speak(config.texts, config.language);
  const title = document.title;
  let shown: Step["name"] | null = null;

  const show = (step: Step) => {
    document.title = title;
    const screen = screenOf(session, step);
    stage.replaceChildren(screen);
    document.body.dataset["step"] = step.name;
    // Within a step (3, 2, 1) the focus stays; the first step leaves it where the reader begins.
    if (shown !== null && shown !== step.name) screen.querySelector<HTMLElement>(".step-title")?.focus({ preventScroll: true });
    if (shown !== step.name) scrollTo({ top: 0 });
    shown = step.name;
  };
  const world = traced(browser, config.traceparent);
  const session = new Session(config, { world, spool: await openSpool(), put }, show);

  addEventListener("online", () => session.nudge());
  addEventListener("beforeunload", (event) => {
    if (!losesWhenClosed(session.step)) return;
    event.preventDefault();
    event.returnValue = say("Your recording has not been sent yet.");
  });
  if (!config.closed) void world.fetch(config.opened_url, { method: "POST" }).catch(() => {}); // Only for the agent to see.
  await session.open();
}

void main();
