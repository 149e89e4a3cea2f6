/**
 * Records the state of a platform as an older version of this program made it:
 *
 *     node test/support/record-state.ts <commit>
 *
 * It checks that version out beside the clone, brings a stack up with it on the real engine, writes the
 * checkpoint to `test/preview/recorded/<commit>.json` and takes the stack away again. The upgrade test
 * previews the program of now against every file there. Add one for each release.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RECORDED, recordedFile, sanitised } from "../preview/recorded.ts";
import { Trial } from "../preview/trial.ts";
import { ROOT } from "./process.ts";
import { setUpBases, setUpEngine, setUpPulumi } from "./setup.ts";

async function record(commit: string): Promise<string> {
  await setUpEngine();
  await setUpBases();
  await setUpPulumi();
  const program = checkOut(commit);
  const trial = new Trial(RECORDED.stack, program);
  try {
    await trial.create(RECORDED.platform);
    await trial.up();
    const file = recordedFile(commit);
    writeFileSync(file, sanitised(trial.checkpoint()));
    return file;
  } finally {
    await trial.remove();
    rmSync(program, { recursive: true });
  }
}

/** The program as it was, with the dependencies and base images of this clone. */
function checkOut(commit: string): string {
  const folder = mkdtempSync(join(tmpdir(), "redfleet-recorded-"));
  const files = execFileSync("git", ["archive", commit], { cwd: ROOT, maxBuffer: 2 ** 28 });
  execFileSync("tar", ["-x", "-C", folder], { input: files });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  mkdirSync(join(folder, ".redfleet"));
  cpSync(join(ROOT, ".redfleet/bases.json"), join(folder, ".redfleet/bases.json"));
  return folder;
}

const [commit] = process.argv.slice(2);
if (commit === undefined || !/^[0-9a-f]{7,40}$/.test(commit)) {
  console.error("usage: node test/support/record-state.ts <commit>");
  process.exit(2);
}
console.log(await record(commit));
