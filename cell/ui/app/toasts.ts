// Says what just happened: seen for some seconds at the lower edge, or only read out.

const SHOWN_MS = 6000; // long enough to read two short sentences

/** Show a sentence; with `href` it is a link to what it is about. */
export function toast(sentence: string, href?: string): void {
  const list = document.getElementById("toasts");
  if (!list) return;
  const item = document.createElement("li");
  item.className = "toast";
  const body = document.createElement(href ? "a" : "span");
  body.textContent = sentence;
  if (href) body.setAttribute("href", href);
  item.append(body);
  list.append(item);
  setTimeout(() => item.remove(), SHOWN_MS);
}

/** Read a sentence out without showing it. */
export function announce(sentence: string): void {
  const place = document.getElementById("announcer");
  if (place) place.textContent = sentence;
}
