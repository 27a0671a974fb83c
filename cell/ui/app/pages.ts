// Lists that have pages: the arrow keys go on where a link says `rel="next"` or `rel="prev"`.
import { belongsToField } from "./keys.ts";

type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

/** Which of the two is meant, or null; they change sides where text runs right to left. */
export function relOf(press: Press, rtl: boolean): "prev" | "next" | null {
  if (press.ctrlKey || press.metaKey || press.altKey || press.shiftKey) return null;
  if (press.key !== "ArrowLeft" && press.key !== "ArrowRight") return null;
  return (press.key === "ArrowRight") === rtl ? "prev" : "next";
}

export function watchPages(): void {
  document.addEventListener("keydown", (event) => {
    const rel = relOf(event, document.dir === "rtl");
    if (rel === null || belongsToField(event.target as Element)) return;
    document.querySelector<HTMLAnchorElement>(`main nav a[rel="${rel}"]`)?.click();
  });
}
