/** Numbers by their size: `nodered-10` comes after `nodered-9`. */
const names = new Intl.Collator("en", { numeric: true });

/**
 * The candidate within two edits of a word, or `undefined`: what `did you mean` may offer. Of several that are as
 * near the last one by name, which is the newest where names end in a version.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance || names.compare(b.candidate, a.candidate));
  const best = ranked[0];
  return best && best.distance <= 2 && best.distance < word.length ? best.candidate : undefined;
}

/** `did you mean x?`, or the list of what there is. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const hint = nearest(word, candidates);
  if (hint !== undefined) return `did you mean ${JSON.stringify(hint)}?`;
  return `use one of ${[...candidates].sort().join(", ")}`;
}

/** Levenshtein distance: insertions, deletions and substitutions between two words. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const gap = Math.min(previous[column] ?? 0, current[column - 1] ?? 0) + 1;
      current.push(Math.min(substitution, gap));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** The stack that a command works on when nobody names another one. */
const DEFAULT_STACK = "dev";

/** ` --stack nu` for the end of a `redfleet` command line, or nothing for the stack that it means anyway. */
export const stackFlag = (stack: string): string =>
  stack === DEFAULT_STACK ? "" : ` --stack ${stack}`;
