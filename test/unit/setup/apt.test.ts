import { describe, expect, test } from "vitest";
import { mirrorsFor, parseAptSources } from "../../../cli/setup/apt.ts";

const DEB822 = `Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main contrib
`;

const ONE_LINE = `# deb http://old.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib # why
deb-src http://mirror.example/debian bookworm main
deb http://security.example/debian-security bookworm-security main
deb http://tools.example/apt tools-bookworm main
`;

describe("apt sources", () => {
  test("deb822: one entry per URI and suite", () => {
    expect(parseAptSources(DEB822)).toEqual([
      { uri: "http://mirror.example/debian", suite: "bookworm", components: ["main"] },
      { uri: "http://mirror.example/debian", suite: "bookworm-updates", components: ["main"] },
      {
        uri: "http://mirror.example/debian-security",
        suite: "bookworm-security",
        components: ["main", "contrib"],
      },
    ]);
  });

  test("deb822: folded fields, source packages and disabled stanzas", () => {
    const text = `Types: deb deb-src\nURIs: http://a.example\n http://b.example\nSuites: trixie\nComponents: main\n
Types: deb-src\nURIs: http://c.example\nSuites: trixie\nComponents: main\n
Enabled: no\nTypes: deb\nURIs: http://d.example\nSuites: trixie\nComponents: main\n`;
    expect(parseAptSources(text).map(({ uri }) => uri)).toEqual([
      "http://a.example",
      "http://b.example",
    ]);
  });

  test("one line: options and comments are left out, source packages too", () => {
    const sources = parseAptSources(ONE_LINE);
    expect(sources.map(({ uri, suite }) => `${uri} ${suite}`)).toEqual([
      "http://mirror.example/debian bookworm",
      "http://security.example/debian-security bookworm-security",
      "http://tools.example/apt tools-bookworm",
    ]);
    expect(sources[0]?.components).toEqual(["main", "contrib"]);
  });
});

describe("mirrors for another release", () => {
  test.each([DEB822, ONE_LINE])(
    "take the machine's own hosts, security updates included",
    (text) => {
      const lines = mirrorsFor("trixie", parseAptSources(text));
      expect(lines[0]).toBe("deb http://mirror.example/debian trixie main");
      expect(lines[1]).toBe("deb http://mirror.example/debian trixie-updates main");
      expect(lines[2]).toMatch(/debian-security trixie-security main$/);
    },
  );

  test("a machine of another kind is refused with a way out", () => {
    const ubuntu = parseAptSources("deb http://mirror.example/ubuntu noble main universe\n");
    expect(() => mirrorsFor("trixie", ubuntu)).toThrow(/no Debian mirror/);
  });
});
