// What the cell tells the page about the link, as JSON in the page.

export type Allowed = "screen" | "camera" | "microphone" | "file";

/** A page whose link takes no recording has no `start_url`: it only looks after what is still in the spool. */
export interface Config {
  start_url?: string;
  workspace: { key: string; name: string };
  link: { title: string; note: string | null; agent: string | null; ticket: string | null };
  allows: Allowed[];
  limits: { seconds: number };
  texts: Record<string, string>;
  language: string;
}

/** Reads the page's configuration; null where the page has none. */
export function readConfig(page: Document): Config | null {
  const text = page.getElementById("recorder-config")?.textContent;
  return text ? (JSON.parse(text) as Config) : null;
}
