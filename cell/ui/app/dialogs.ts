// Dialogs: data-opens="ID" opens one, data-closes and a click beside it close it. An opener may name where the dialog's
// form posts (data-form-action), so that one dialog serves all rows of a table.
import htmx from "htmx.org";

/** Open the dialog with this id, for what `opener` stands for. */
export function open(id: string, opener?: HTMLElement): void {
  const dialog = document.getElementById(id);
  if (!(dialog instanceof HTMLDialogElement) || dialog.open) return;
  const action = opener?.dataset["formAction"];
  if (action) dialog.querySelector("form")?.setAttribute("action", action);
  opener?.closest("details")?.removeAttribute("open");
  dialog.showModal();
}

/** After a link was made: the next opening starts with an empty form, and the table of links shows the new one. */
function startOver(dialog: HTMLDialogElement): void {
  const again = dialog.querySelector<HTMLElement>("[data-made] [data-again]");
  if (!again) return;
  again.click();
  if (document.getElementById("links")) {
    void htmx.ajax("get", location.href, { target: "#links", select: "#links", swap: "outerHTML" });
  }
}

/** A form that came back with errors shows itself again at once. */
function openRefused(root: ParentNode): void {
  const form = root.querySelector<HTMLElement>("[data-open-now]");
  if (form) open(form.dataset["openNow"] ?? "");
}

export function watchDialogs(): void {
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const opener = target.closest<HTMLElement>("[data-opens]");
    if (opener) open(opener.dataset["opens"] ?? "", opener);
    else if (target.closest("[data-closes]")) target.closest("dialog")?.close();
  });
  // Only a press that also began on the backdrop closes: marking text may end there.
  document.addEventListener("mousedown", (event) => {
    const dialog = event.target;
    if (!(dialog instanceof HTMLDialogElement)) return;
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    if (event.clientX < left || event.clientX > right || event.clientY < top || event.clientY > bottom) dialog.close();
  });
  // "close" does not bubble; capturing it here also serves dialogs that come later.
  document.addEventListener("close", (event) => startOver(event.target as HTMLDialogElement), true);
  document.addEventListener("htmx:load", (event) => openRefused(event.target as Element));
  openRefused(document);
}
