/**
 * The rules of a `.dockerignore`: one pattern a line, `**`, `*`, `?`, `!` for exceptions, the last match
 * wins.
 */
export function ignoreMatcher(text: string): (file: string) => boolean {
  const rules = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ keep: line.startsWith("!"), pattern: toPattern(line.replace(/^!/, "")) }));
  return (file) => {
    const last = rules.findLast(({ pattern }) => pattern.test(file));
    return last !== undefined && !last.keep;
  };
}

/** A pattern names a file, or a folder with all that is in it. */
function toPattern(line: string): RegExp {
  const body = line
    .replace(/^\.?\/+|\/+$/g, "")
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*\*\/?|\*|\?/g, (wild) => {
      if (wild === "?") return "[^/]";
      if (wild === "*") return "[^/]*";
      return wild.endsWith("/") ? "(?:.*/)?" : ".*";
    });
  return new RegExp(`^${body}(?:/.*)?$`);
}
