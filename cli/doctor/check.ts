/** How bad it is: `warn` works for now, `fail` keeps `redfleet up` or the platform from working. */
export type Verdict = "ok" | "warn" | "fail";

/** One finding of the doctor. */
export interface Check {
  name: string;
  verdict: Verdict;
  /** What was found. */
  detail: string;
  /** What to do about it; empty if nothing is to be done. */
  fix: string;
}

export const ok = (name: string, detail: string): Check => ({
  name,
  verdict: "ok",
  detail,
  fix: "",
});

export const warn = (name: string, detail: string, fix: string): Check => ({
  name,
  verdict: "warn",
  detail,
  fix,
});

export const fail = (name: string, detail: string, fix: string): Check => ({
  name,
  verdict: "fail",
  detail,
  fix,
});

/** Bytes for people: `1.5 GiB`. */
export function bytes(count: number): string {
  const gib = count / 2 ** 30;
  return gib >= 1 ? `${gib.toFixed(1)} GiB` : `${Math.round(count / 2 ** 20)} MiB`;
}
