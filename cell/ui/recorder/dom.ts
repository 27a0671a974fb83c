// Building elements: a few lines instead of a framework.

type Child = Node | string | null | false;
type Attributes = Record<string, string | boolean | null | undefined>;

/** An element with attributes (true: present, false and null: absent) and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== false));
  return element;
}

/** An icon of the set that the page carries in its template. */
export function icon(name: string): Node {
  const set = document.querySelector<HTMLTemplateElement>("#recorder-icons")?.content;
  return set?.querySelector(`[data-icon="${name}"] svg`)?.cloneNode(true) ?? document.createTextNode("");
}

export interface ButtonLook {
  kind?: "primary" | "secondary" | "quiet" | "danger";
  icon?: string;
  class?: string;
}

/** A button that does `act`; while that lasts it is busy and takes no second press. */
export function button(action: string, text: string, act: () => unknown, look: ButtonLook = {}): HTMLButtonElement {
  const classes = ["button", `button-${look.kind ?? "secondary"}`, "button-large", look.class].filter(Boolean).join(" ");
  const element = h(
    "button",
    { type: "button", class: classes, "data-action": action },
    look.icon ? icon(look.icon) : null,
    h("span", {}, text),
  );
  element.addEventListener("click", () => {
    if (element.getAttribute("aria-busy") === "true") return;
    const result = act();
    if (!(result instanceof Promise)) return;
    element.setAttribute("aria-busy", "true");
    void result.finally(() => element.removeAttribute("aria-busy"));
  });
  return element;
}

/** The heading of a step: it takes the focus when the step comes. The page's own, if there is one, stands above it. */
export function heading(text: string): HTMLHeadingElement {
  return h(document.querySelector(".ask h1") ? "h2" : "h1", { class: "step-title", tabindex: "-1" }, text);
}

/** Runs `act` on every frame, or every `ms`, as long as `element` is in the page. */
export function whileShown(element: Element, act: () => void, ms?: number): void {
  let seen = false;
  const round = () => {
    seen ||= element.isConnected;
    if (seen && !element.isConnected) return;
    act();
    if (ms === undefined) requestAnimationFrame(round);
    else setTimeout(round, ms);
  };
  round();
}

/** Text that is read out when it changes. */
export function spoken(className: string): HTMLParagraphElement {
  return h("p", { class: className, role: "status", "aria-live": "polite" });
}
