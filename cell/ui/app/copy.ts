// Buttons with data-copy put that text on the clipboard and say so, in their own label or in a toast.
import { text } from "./texts.ts";
import { announce, toast } from "./toasts.ts";

const SAID_MS = 2000;

/** Copy for the visitor; where the browser refuses, the text stays on the page to be copied by hand. */
export async function copy(value: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    toast(text("copyFailed"));
    return false;
  }
}

async function copyFrom(button: HTMLElement): Promise<void> {
  if (!(await copy(button.dataset["copy"] ?? ""))) return;
  const said = button.dataset["copied"];
  const label = button.querySelector("span");
  if (!said || !label) return toast(text("copied"));
  if (label.textContent === said) return;
  const before = label.textContent;
  label.textContent = said;
  announce(said);
  setTimeout(() => (label.textContent = before), SAID_MS);
}

export function watchCopies(): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-copy]");
    if (button) void copyFrom(button);
  });
  // The address to be copied by hand is marked whole as soon as one is in it.
  document.addEventListener("focusin", (event) => {
    const field = event.target as Element;
    if (field instanceof HTMLInputElement && field.readOnly) field.select();
  });
}
