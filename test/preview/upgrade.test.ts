import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Preview, summarise } from "../../cli/preview/summary.ts";
import { parseState, type StateResource } from "../../cli/pulumi/state.ts";
import { RECORDED, recordedCommits, recordedFile } from "./recorded.ts";
import { Trial } from "./trial.ts";

/** What Pulumi may do to a resource that stays the very same one; of most it says nothing at all. */
const STAYS = ["same", "update"];

describe.each(recordedCommits())("an upgrade of a stack that version %s has made", (commit) => {
  const trial = new Trial(RECORDED.stack);
  const checkpoint = readFileSync(recordedFile(commit), "utf8");
  const { resources } = parseState(checkpoint);
  let preview: Preview;

  beforeAll(async () => {
    await trial.create(RECORDED.platform);
    trial.restore(checkpoint);
    preview = await trial.preview();
  }, 120_000);
  afterAll(() => trial.forget());

  test("keeps every volume with data, password and key", () => {
    const stateful = new Set(resources.filter(keepsData).map(({ urn }) => urn));
    expect(stateful.size).toBeGreaterThan(20);
    const steps = preview.steps ?? [];
    // Every version has other images.
    expect(steps.length).toBeGreaterThan(0);
    const lost = steps.filter(({ op, urn }) => stateful.has(urn) && !STAYS.includes(op));
    expect(lost.map(({ op, urn }) => `${op} ${urn}`)).toEqual([]);
  });

  test("loses no data in what people are told of it", () => {
    expect(summarise(preview).filter(({ effect }) => effect === "data lost")).toEqual([]);
  });
});

/** Volumes that outlive their resource, and everything that was generated. */
function keepsData({ type, protect, retainOnDelete }: StateResource): boolean {
  if (type.startsWith("random:")) return true;
  return type === "docker:index/volume:Volume" && (protect === true || retainOnDelete === true);
}
