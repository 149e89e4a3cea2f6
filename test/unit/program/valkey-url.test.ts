import { expect, test } from "vitest";
import { valkeyConnection } from "../../../components/valkey/url.ts";

test.each([
  ["redis://cache.example.org", { server: { host: "cache.example.org", port: 6379 } }],
  [
    "rediss://app:p%40ss:word@cache.example.org:6380/3\n",
    {
      server: { host: "cache.example.org", port: 6380 },
      ...{ username: "app", password: "p@ss:word", database: 3, tls: {} },
    },
  ],
  [
    "valkey://:pw@[fd00::7]:7000/0",
    { server: { host: "fd00::7", port: 7000 }, password: "pw", database: 0 },
  ],
  [
    "valkeys-sentinel://app:pw@s1:26380,s2/0?sentinelUsername=w&sentinelPassword=x#primary",
    {
      sentinels: [
        { host: "s1", port: 26380 },
        { host: "s2", port: 26379 },
      ],
      ...{ masterName: "primary", username: "app", password: "pw", database: 0 },
      ...{ sentinelUsername: "w", sentinelPassword: "x", tls: {} },
    },
  ],
])("%s", (url, expected) => {
  expect(valkeyConnection(url)).toEqual(expected);
});

test("an authority of its own is trusted, where the connection is encrypted", () => {
  expect(valkeyConnection("rediss://h", "PEM").tls).toEqual({ ca: "PEM" });
  expect(valkeyConnection("redis://h", "PEM").tls).toBeUndefined();
});

test.each([
  "hunter2",
  "http://u:hunter2@h/",
  "redis://",
  "redis://u:hunter2@h1,h2/",
  "redis://u:hunter2@h:port/",
  "redis://u:hunter2@h:0/",
  "redis://u:hunter2@h:65536/",
  "redis-sentinel://u:hunter2@h1,h2:99999/#primary",
  "redis://u:hunter2%@h/",
  "redis-sentinel://u:hunter2@h1,,h2/#primary",
])("what is none is refused, and not repeated: %s", (text) => {
  expect(() => valkeyConnection(text)).toThrow(/valkey\.external names is no connection string/);
  expect(() => valkeyConnection(text)).not.toThrow(/hunter2/);
});
