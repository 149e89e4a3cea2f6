import type { Command } from "commander";
import { own } from "../../config/own.ts";
import { globals } from "../context.ts";
import { connectedEngine } from "../engine/client.ts";
import { LABEL, ofStack } from "../engine/labels.ts";
import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { printJson } from "../output.ts";
import { stackOutput } from "../pulumi/capture.ts";
import { ownEngine } from "../pulumi/owner.ts";
import { hasState } from "../pulumi/state.ts";
import { readablePlatform } from "../stackfile/declared.ts";
import { assertStackFile } from "../stackfile/edit.ts";

/** The only user that the platform creates; its later users live in the tenant's own database. */
const FIRST_USER = "admin";

/** First passwords as the program puts them out, secret. */
interface Passwords {
  clusters: Record<string, string>;
  tenants: Record<string, string>;
}

/** `redfleet password`: the first password of a cluster or tenant. */
export function registerPassword(program: Command): void {
  program
    .command("password")
    .description("the first password of a cluster or tenant")
    .argument("<name>", "cluster or tenant")
    .option("--user <name>", "user name", FIRST_USER)
    .action(async (name: string, options: { user: string }, command: Command) => {
      const { stack, json } = globals(command);
      requireFirstUser(stack, name, options.user);
      await requireStack(stack);
      const password = await firstPassword(stack, name);
      if (json) printJson({ name, user: options.user, password });
      else console.log(password);
    });
}

/** A clone without a state has no passwords at all; a stack that runs here then has them in another one. */
async function requireStack(stack: string): Promise<void> {
  if (hasState(stack)) return;
  assertStackFile(stack);
  await ownEngine(stack);
}

/**
 * The generated password of the first user of a cluster or tenant.
 * @throws CliError for a name that is not among them
 */
export async function firstPassword(stack: string, name: string): Promise<string> {
  const passwords = await stackOutput<Passwords>(stack, "passwords");
  const found = findPassword(passwords, name);
  if (found !== undefined) return found;
  throw unknownName(passwords, stack, name, {
    renamed: await renamedTo(stack, name),
    kept: await keptVolume(stack, name),
  });
}

/** What a cluster or tenant is called now that once had this name; none where the stack file cannot say. */
async function renamedTo(stack: string, name: string): Promise<string | undefined> {
  const platform = await readablePlatform(stack);
  const entries = Object.entries({ ...platform?.tenants, ...platform?.clusters });
  return entries.find(([, { renamedFrom }]) => renamedFrom === name)?.[0];
}

/** A volume of a tenant that was removed; none where no engine answers: it is asked for a better hint only. */
export async function keptVolume(stack: string, tenant: string): Promise<string | undefined> {
  const labels = [`${LABEL.component}=tenant`, `${LABEL.name}=${tenant}`];
  const filters = { label: [...ofStack(stack).label, ...labels] };
  try {
    const { Volumes: volumes } = await (await connectedEngine()).listVolumes({ filters });
    return volumes?.[0]?.Name;
  } catch {
    return undefined;
  }
}

/** @throws CliError for any other user: nobody but that one knows the password */
export function requireFirstUser(stack: string, name: string, user: string): void {
  if (user === FIRST_USER) return;
  throw new CliError({
    what: `the password of "${user}" is not known here`,
    why: `only the first user, ${FIRST_USER}, gets a generated password; others are hashes`,
    fix: `${redfleet(`user password ${name} ${user}`, stack)} gives another one`,
  });
}

/** Looks a name up among clusters, then tenants. */
export const findPassword = (passwords: Passwords, name: string): string | undefined =>
  own(passwords.clusters, name) ?? own(passwords.tenants, name);

/**
 * @param renamed what has that name no longer is called now
 * @param kept volume of a removed tenant of that name
 */
export function unknownName(
  passwords: Passwords,
  stack: string,
  name: string,
  { renamed, kept }: { renamed?: string | undefined; kept?: string | undefined } = {},
): CliError {
  const names = [...Object.keys(passwords.clusters ?? {}), ...Object.keys(passwords.tenants ?? {})];
  const known = `it has ${names.sort().join(", ") || "none"}`;
  const what = `the stack "${stack}" has no cluster or tenant "${name}"`;
  if (renamed !== undefined) {
    return new CliError({ what, why: `it was renamed; ${known}`, fix: `name it ${renamed}` });
  }
  const template = kept ? "<the one it had>" : "nodered-5";
  const add = redfleet(`tenant add ${name} --template ${template}`, stack);
  return new CliError({
    what,
    why: kept ? `${known}; the data of a removed tenant "${name}" is still here (${kept})` : known,
    fix: kept ? `${add} brings it back with its data` : `${add} adds a tenant`,
  });
}
