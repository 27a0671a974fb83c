// The few sentences that scripts say, in the visitor's language: the page carries them as data.

/** The sentence with this id, its {places} filled; an unknown id is a mistake of ours and throws. */
export function text(id: string, places: Record<string, string> = {}): string {
  const all = JSON.parse(document.getElementById("texts")?.textContent ?? "{}") as Record<string, string>;
  const found = all[id];
  if (found === undefined) throw new Error(`no text ${id}`);
  return fill(found, places);
}

/** `{name}` becomes places.name; braces that name nothing stay as they are. */
export function fill(sentence: string, places: Record<string, string>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => places[name] ?? whole);
}
