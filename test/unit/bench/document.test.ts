import { describe, expect, it } from "vitest";
import { putTable } from "../../bench/document.ts";

const table = (...rows: string[]) => ["| id | ours |", "|---|---|", ...rows].join("\n");

const OLD = `
## The day

a machine

${table("| B1 | 1 |", "| B1 | 2 |", "| B10 | 3 |")}

What is to be said.

${table("| of people | 7 |")}

And more.

## The day before

${table("| B1 | 9 |")}
`;

describe("the document of the figures", () => {
  it("gets a new section above the others", () => {
    const text = putTable(OLD, "Today", "another machine", table("| B2 | 5 |"));
    expect(text).toBe(`\n## Today\n\nanother machine\n\n${table("| B2 | 5 |")}\n${OLD}`);
  });

  it("has one section of a title: what was measured again is replaced, the rest stays", () => {
    const text = putTable(OLD, "The day", "another machine", table("| B1 | 4 |", "| B2 | 5 |"));
    const rows = table("| B1 | 4 |", "| B2 | 5 |", "| B10 | 3 |");
    const said = `What is to be said.\n\n${table("| of people | 7 |")}\n\nAnd more.`;
    const before = `## The day before\n\n${table("| B1 | 9 |")}`;
    expect(text).toBe(`\n## The day\n\nanother machine\n\n${rows}\n\n${said}\n\n${before}\n`);
  });
});
