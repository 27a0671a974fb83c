// Renaming in place: the title gives way to a field, Escape gives it back.

function show(place: Element, editing: boolean): void {
  for (const part of place.querySelectorAll<HTMLElement>("[data-rename-shown], [data-rename-start]")) part.hidden = editing;
  const form = place.querySelector("form");
  if (!form) return;
  form.hidden = !editing;
  if (editing) form.querySelector("input")?.select();
  else {
    form.reset();
    place.querySelector<HTMLElement>("[data-rename-start]")?.focus();
  }
}

export function watchRename(): void {
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const place = target.closest("[data-rename]");
    if (!place) return;
    if (target.closest("[data-rename-start]")) show(place, true);
    if (target.closest("[data-rename-stop]")) show(place, false);
  });
  document.addEventListener("keydown", (event) => {
    const place = (event.target as Element).closest?.("[data-rename] form")?.closest("[data-rename]");
    if (place && event.key === "Escape") show(place, false);
  });
}
