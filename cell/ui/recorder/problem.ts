// What can go wrong between the page and a server: a stated problem (RFC 9457), or no answer at all.

/** The server answered, and the answer is no. `slug` is the last part of the problem's type, such as "link-expired". */
export class Problem extends Error {
  readonly status: number;
  readonly slug: string;
  readonly retryAfterS: number | null;
  /** For "chunks-missing": the indexes of pieces that the store does not have. */
  readonly missing: number[];

  constructor(status: number, slug: string, detail: string, retryAfterS: number | null = null, missing: number[] = []) {
    super(detail || slug);
    this.status = status;
    this.slug = slug;
    this.retryAfterS = retryAfterS;
    this.missing = missing;
  }
}

/** No answer: no network, a server that is down, a request that was given up. */
export class Unreachable extends Error {}

/** The problem that an answer states; an answer that is no problem+json (a proxy's page) keeps its status as slug. */
export async function problemOf(answer: Response): Promise<Problem> {
  let stated: { type?: unknown; title?: unknown; detail?: unknown; missing?: unknown } = {};
  try {
    stated = (await answer.json()) as typeof stated;
  } catch {
    // A gateway's error page: the status says enough.
  }
  const slug = typeof stated.type === "string" ? (stated.type.split("/").pop() ?? "") : `http-${answer.status}`;
  const detail = [stated.detail, stated.title].find((text) => typeof text === "string" && text) as string | undefined;
  const wait = Number(answer.headers.get("Retry-After") ?? Number.NaN);
  const missing = Array.isArray(stated.missing) ? stated.missing.filter((index) => Number.isInteger(index)) : [];
  return new Problem(answer.status, slug, detail ?? "", Number.isFinite(wait) ? Math.min(wait, 60) : null, missing);
}
