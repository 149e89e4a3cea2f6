import { afterAll, beforeAll, expect, test } from "vitest";
import { engine } from "../support/engine.ts";
import { testName } from "../support/names.ts";
import { Trial } from "./trial.ts";

const trial = new Trial(testName("policy"), "test/preview/violating");

beforeAll(() => trial.create({ domain: "policy.localhost" }), 60_000);
afterAll(() => trial.remove(), 60_000);

const MESSAGE =
  /2 resources break the platform's policy; nothing was changed:\n\s+data: got protect false, retainOnDelete false; .*\[data-kept\]\n\s+image: got name "mongo:latest"; .*\[image-by-digest\]/;

test("a preview of a program that breaks the policy is refused, by Pulumi alone", async () => {
  await expect(trial.previewText()).rejects.toThrow(MESSAGE);
});

test("an up without a preview is refused before anything is made", async () => {
  await expect(trial.up()).rejects.toThrow(MESSAGE);
  const { Volumes } = await engine.listVolumes({
    filters: { label: [`redfleet.stack=${trial.stack}`] },
  });
  expect(Volumes).toEqual([]);
});
