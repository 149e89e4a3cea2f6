import type { Command } from "commander";
import { own } from "../../config/own.ts";
import { globals } from "../context.ts";
import { CliError } from "../errors.ts";
import { printJson } from "../output.ts";
import { stackOutput } from "../pulumi/capture.ts";

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
      requireFirstUser(options.user, name);
      const password = await firstPassword(stack, name);
      if (json) printJson({ name, user: options.user, password });
      else console.log(password);
    });
}

/** The generated password of the first user of a cluster or tenant. */
export async function firstPassword(stack: string, name: string): Promise<string> {
  return findPassword(await stackOutput<Passwords>(stack, "passwords"), stack, name);
}

/** @throws CliError for any other user: nobody but that one knows the password */
export function requireFirstUser(user: string, name: string): void {
  if (user === FIRST_USER) return;
  throw new CliError({
    what: `the password of "${user}" is not known here`,
    why: `only the first user, ${FIRST_USER}, gets a generated password; others are hashes`,
    fix: `redfleet user password ${name} ${user} gives another one`,
  });
}

/** Looks a name up among clusters, then tenants. */
export function findPassword(passwords: Passwords, stack: string, name: string): string {
  const found = own(passwords.clusters, name) ?? own(passwords.tenants, name);
  if (found !== undefined) return found;
  const names = [...Object.keys(passwords.clusters ?? {}), ...Object.keys(passwords.tenants ?? {})];
  throw new CliError({
    what: `the stack "${stack}" has no cluster or tenant "${name}"`,
    why: `it has ${names.sort().join(", ") || "none"}`,
    fix: `redfleet tenant add ${name} --template nodered-5 adds a tenant`,
  });
}
