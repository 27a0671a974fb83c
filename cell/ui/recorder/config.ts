// What the cell tells the page about the link, as JSON in the page.

export type Allowed = "screen" | "camera" | "microphone" | "file";

export interface Config {
  start_url: string;
  /** Told once that a person has the page open: GETs come from mail scanners too. */
  opened_url: string;
  /** The trace that the page is part of, if it is traced: what the page asks the cell names it (W3C). */
  traceparent: string | null;
  workspace: { key: string; name: string };
  link: { title: string; note: string | null; agent: string | null; ticket: string | null };
  allows: Allowed[];
  limits: { seconds: number };
  texts: Record<string, string>;
  language: string;
  /** The link takes no recording (any more): the page only looks after what is still in the spool. */
  closed: boolean;
}

/** Reads the page's configuration; null where the page has none. */
export function readConfig(page: Document): Config | null {
  const text = page.getElementById("recorder-config")?.textContent;
  const closed = page.body.dataset["step"] === "closed";
  return text ? { ...(JSON.parse(text) as Omit<Config, "closed">), closed } : null;
}
