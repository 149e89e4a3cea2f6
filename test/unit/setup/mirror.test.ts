import { expect, test } from "vitest";
import { checkedMirror } from "../../../cli/setup/bases/mirror.ts";

test.each([
  "mirror.example.org",
  "mirror.example.org:5000/hub",
  "localhost/a/b-c",
  "harbor:443/hub",
])("%s is a mirror", (text) => expect(checkedMirror(text)).toBe(text));

test.each([
  "https://mirror.example.org",
  "mirror",
  "offlin",
  "Mirror.example.org",
  "mirror.example.org/",
  "a b.c",
])("%s is none", (text) => {
  expect(() => checkedMirror(text)).toThrow(
    expect.objectContaining({
      what: `REDFLEET_IMAGES is "${text}"`,
      why: expect.stringMatching(/^it is "registry", "offline" or a mirror of Docker Hub as host/),
      fix: expect.stringContaining("REDFLEET_IMAGES=mirror.example.org:5000/hub"),
    }),
  );
});
