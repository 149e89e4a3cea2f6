import { expect, test, vi } from "vitest";
import type { Workload } from "../../components/target/types.ts";
import { parsePlatform } from "../../config/parse.ts";
import { declaredParts } from "../../config/parts.ts";
import { EXAMPLES, example, memoryCalls } from "./support/stacks.ts";

vi.setConfig({ testTimeout: 60_000 });

test.each(Object.keys(EXAMPLES))("%s has the containers that its file is read as", async (name) => {
  const platform = example(name);
  const calls = await memoryCalls(platform);
  const made = calls.flatMap(({ verb, plan }) =>
    verb === "workload" ? [(plan as Workload).name] : [],
  );
  const { config } = parsePlatform(platform, { stack: "dev", secretNames: undefined });
  const declared = declaredParts("dev", config).map((part) => part.name);
  expect(declared.sort()).toEqual(made.sort());
});
