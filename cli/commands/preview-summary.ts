import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { globals } from "../context.ts";
import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { printJson } from "../output.ts";
import { type Preview, renderMarkdown, summarise } from "../preview/summary.ts";
import { pulumi } from "../pulumi/capture.ts";
import { knownCause } from "../pulumi/failure.ts";
import { assertValid } from "../stackfile/edit.ts";

/** `redfleet preview-summary`: what an `up` would do, per tenant, as Markdown. */
export function registerPreviewSummary(program: Command): void {
  program
    .command("preview-summary")
    .description("what redfleet up would do, per tenant, as Markdown")
    .argument("[file]", "output of pulumi preview --json; - for standard input")
    .action(async (file: string | undefined, _options: unknown, command: Command) => {
      const { stack, json } = globals(command);
      const changes = summarise(parse(await previewText(stack, file), stack));
      if (json) printJson({ stack, changes });
      else console.log(renderMarkdown(stack, changes));
    });
}

async function previewText(stack: string, file: string | undefined): Promise<string> {
  if (file === "-") return text(process.stdin);
  if (file !== undefined) return readFile(file, "utf8");
  await assertValid(stack);
  const { code, stdout, tail } = await pulumi(stack, ["preview", "--json", "--show-sames"]);
  if (code === 0) return stdout;
  const why = diagnosticsOf(stdout) || tail.trim().replace(/^error: /, "");
  throw new CliError(
    knownCause(stack, why) ?? {
      what: `the preview of "${stack}" failed`,
      why,
      fix: `${redfleet("doctor", stack)}; before the first up there is nothing to preview`,
    },
  );
}

function parse(text: string, stack: string): Preview {
  try {
    return JSON.parse(text) as Preview;
  } catch {
    throw new CliError({
      what: "this is no output of pulumi preview --json",
      why: "it is not one JSON document",
      fix: `npx pulumi preview --json --stack ${stack} > preview.json`,
    });
  }
}

/** With --json, Pulumi puts its errors into the document. */
function diagnosticsOf(stdout: string): string {
  try {
    const { diagnostics = [] } = JSON.parse(stdout) as { diagnostics?: { message: string }[] };
    return diagnostics.map(({ message }) => message.trim()).join("\n");
  } catch {
    return "";
  }
}
