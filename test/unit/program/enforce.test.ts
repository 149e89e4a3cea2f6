import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { beforeEach, expect, test } from "vitest";
import { underPolicy } from "../../../policy/enforce.ts";

/** Names of what reached the engine, but for the stack itself, in order. */
let registered: string[];

beforeEach(async () => {
  registered = [];
  await pulumi.runtime.setMocks({
    newResource: ({ name, inputs }) => {
      if (name !== "project-stack") registered.push(name);
      return { id: `${name}-id`, state: inputs };
    },
    call: ({ inputs }) => inputs,
  });
});

class Group extends pulumi.ComponentResource {
  constructor(name: string) {
    super("redfleet:test:Group", name);
  }
}

const NONE = { confirmDestroy: [] };
const GOOD = `redfleet/x:${"0".repeat(16)}`;

/** Runs a program in a stack, as Pulumi does, to its very end. */
async function run(program: () => unknown): Promise<void> {
  const errors: unknown[] = [];
  const note = (error: unknown) => errors.push(error);
  process.on("unhandledRejection", note);
  try {
    await pulumi.runtime.runInPulumiStack(async () => {
      program();
      return {};
    });
    await pulumi.runtime.disconnect();
  } finally {
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
  }
  if (errors.length > 0) throw errors[0];
}

test("what keeps the policy is made, components and all", async () => {
  await run(() =>
    underPolicy(NONE, () => {
      const parent = new Group("group");
      const image = new docker.RemoteImage("first", { name: GOOD }, { parent });
      new docker.RemoteImage("second", { name: GOOD }, { dependsOn: image });
    }),
  );
  expect(registered).toEqual(["group", "first", "second"]);
});

test("one bad resource keeps all from the engine, and all bad ones are named at once", async () => {
  const ended = run(() =>
    underPolicy(NONE, () => {
      const parent = new Group("group");
      new docker.RemoteImage("good", { name: GOOD }, { parent });
      new docker.RemoteImage("bad", { name: "mongo:latest" }, { parent });
      new docker.Volume("lost", { name: "dev-tenant-acme-data" });
    }),
  );
  await expect(ended).rejects.toThrow(
    /^2 resources break the platform's policy; nothing was changed:\n {2}bad: got name "mongo:latest"; .*\n {2}lost: got protect false/,
  );
  expect(registered).toEqual([]);
});

test("a value that is only known later breaks the rule that asks for it", async () => {
  const name = pulumi.output("mongo:latest");
  const ended = run(() => underPolicy(NONE, () => new docker.RemoteImage("later", { name })));
  await expect(ended).rejects.toThrow('later: got name "(computed)"');
});

test("a resource that is declared late is refused by itself", async () => {
  const ended = run(() =>
    underPolicy(NONE, () => {
      const first = new docker.RemoteImage("first", { name: GOOD });
      first.id.apply(() => new docker.RemoteImage("late", { name: "mongo:latest" }));
    }),
  );
  await expect(ended).rejects.toThrow('late: got name "mongo:latest"');
  expect(registered).toEqual(["first"]);
});
