import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run, tryRun } from "../../../cli/setup/exec.ts";
import { isAlive } from "../../../cli/setup/process.ts";
import { ROOT } from "../../support/process.ts";
import { until } from "../../support/wait.ts";

const shell = (script: string, silenceSeconds: number) =>
  tryRun("sh", ["-c", script], { timeoutSeconds: 60, silenceSeconds });

test("a program that says nothing for too long is ended", async () => {
  const { timedOut, tail } = await shell("echo begun; sleep 60", 0.5);
  expect({ timedOut, tail }).toEqual({ timedOut: true, tail: "begun" });
});

test("one that goes on talking is not, however long it takes", async () => {
  const script = "for i in 1 2 3 4 5 6; do echo $i; sleep 0.4; done";
  expect(await shell(script, 1.5)).toMatchObject({ timedOut: false, code: 0 });
});

test("the message says which limit it was", async () => {
  const limits = { timeoutSeconds: 60, silenceSeconds: 0.2 };
  await expect(run("sleep", ["60"], limits)).rejects.toMatchObject({
    what: '"sleep 60" was silent for 0.2 s or took longer than 60 s',
    fix: "run the command again: finished steps are kept",
  });
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s ends what was started, and is told", async (signal, code) => {
  const exec = join(ROOT, "cli/setup/exec.ts");
  const script = `
    import { interruptible, tryRun } from ${JSON.stringify(exec)};
    const note = { timeoutSeconds: 60, onLine: (line) => console.log(line) };
    await interruptible(() => tryRun("sh", ["-c", "sleep 60 & echo $!; wait"], note));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const ended = once(child, "close");
  child.kill(signal);
  expect((await ended)[0]).toBe(code);
  expect(said).toContain(`interrupted (${signal}): run the command again, finished steps are kept`);
  await until("the grandchild to be gone", () => !isAlive(Number(line.toString().trim())));
});
