// The agents' pages: htmx for what the server draws, and a few small helpers for what only the browser can do.
import htmx from "htmx.org";
import { keepAges } from "./ages.ts";
import { watchCopies } from "./copy.ts";
import { watchDialogs } from "./dialogs.ts";
import { watchLibrary } from "./library.ts";
import { followRecordings } from "./live.ts";
import { watchMenus } from "./menus.ts";
import { watchPages } from "./pages.ts";
import { watchPopups } from "./popups.ts";
import { watchRename } from "./rename.ts";
import { text } from "./texts.ts";
import { toast } from "./toasts.ts";

// The pages' policy allows neither inline style nor eval.
htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
htmx.config.allowScriptTags = false;
htmx.config.historyCacheSize = 0; // going back asks the server: recordings change while one is away
htmx.config.refreshOnHistoryMiss = true;
htmx.config.responseHandling = [
  { code: "204", swap: false },
  { code: "[23]..", swap: true },
  { code: "422", swap: true }, // the form again, with what was wrong
  { code: "...", swap: false, error: true },
];

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail;
  toast(text(xhr.status === 401 ? "signedOut" : "failed"));
});
document.addEventListener("htmx:sendError", () => toast(text("failed")));

// A session that ended meanwhile: what comes back is the sign-in page, which belongs in the whole window.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = event as CustomEvent<{ xhr: XMLHttpRequest; shouldSwap: boolean }>;
  const signIn = `${document.body.dataset["base"]}/sign-in`;
  if (!detail.xhr.responseURL || new URL(detail.xhr.responseURL).pathname !== signIn) return;
  detail.shouldSwap = false;
  location.assign(`${signIn}?next=${encodeURIComponent(location.pathname + location.search)}`);
});

watchDialogs();
watchMenus();
watchCopies();
watchPopups();
watchRename();
watchLibrary();
watchPages();
keepAges();
followRecordings();
