// Buttons with data-popup="NAME" send their form to a small window of that name. Without a script it is a tab.
const LOOK = "popup,width=600,height=760";

export function watchPopups(): void {
  document.addEventListener("submit", (event) => {
    const name = event.submitter?.dataset["popup"];
    if (name) window.open("", name, LOOK)?.focus();
  });
}
