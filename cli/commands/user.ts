import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { globals } from "../context.ts";
import { askRuntime } from "../engine/runtime-script.ts";
import { redfleet } from "../hint.ts";
import { readInput } from "../input.ts";
import { printJson, table } from "../output.ts";

/** A user as the runtime tells of it. */
interface User {
  readonly user: string;
  readonly role: string;
}

interface PasswordOptions {
  readonly passwordFile?: string;
}

/** `redfleet user …`: who may log in to the editor of a cluster or tenant. */
export function registerUser(program: Command): void {
  const user = program
    .command("user")
    .description("who may log in to the editor of a cluster or tenant");
  addReaders(user);
  addWriters(user);
}

function addReaders(user: Command): void {
  user
    .command("list")
    .description("the users and their roles")
    .argument("<name>", "cluster or tenant")
    .action(async (name: string, _options: unknown, command: Command) => {
      const { stack, json } = globals(command);
      const users = await ask<User[]>(stack, name, ["list"]);
      if (json) return printJson(users);
      console.log(table([["USER", "ROLE"], ...users.map((one) => [one.user, one.role])]));
    });
}

function addWriters(user: Command): void {
  withPassword(user.command("add"), "let somebody log in; prints a password unless one is given")
    .option("--role <role>", "admin (all), write (deploys) or read (looks)", "write")
    .action(
      async (
        name: string,
        who: string,
        options: PasswordOptions & { role: string },
        command: Command,
      ) => {
        const words = ["add", who, options.role];
        await change(command, name, words, await givenPassword(options));
      },
    );
  withPassword(
    user.command("password"),
    "change a password; prints a new one unless one is given",
  ).action(async (name: string, who: string, options: PasswordOptions, command: Command) =>
    change(command, name, ["password", who], await givenPassword(options)),
  );
  user
    .command("role")
    .description("change a role; whoever is logged in has to log in again")
    .argument("<name>", "cluster or tenant")
    .argument("<user>", "user name")
    .argument("<role>", "admin, write or read")
    .action(async (name: string, who: string, role: string, _options: unknown, command: Command) =>
      change(command, name, ["role", who, role]),
    );
  user
    .command("remove")
    .description("let somebody log in no more; open editors are shut out within 5 s")
    .argument("<name>", "cluster or tenant")
    .argument("<user>", "user name")
    .action(async (name: string, who: string, _options: unknown, command: Command) =>
      change(command, name, ["remove", who]),
    );
}

function withPassword(command: Command, description: string): Command {
  return command
    .description(description)
    .argument("<name>", "cluster or tenant")
    .argument("<user>", "user name")
    .option("--password-file <path>", "file that holds the password; - reads standard input");
}

/** A password that the runtime gets by standard input; one that was made here is shown once. */
interface Password {
  readonly text: string;
  readonly made: boolean;
}

async function givenPassword({ passwordFile }: PasswordOptions): Promise<Password> {
  if (passwordFile === undefined) {
    return { text: randomBytes(15).toString("base64url"), made: true };
  }
  const text = await readInput(passwordFile, "a file that holds the password alone");
  return { text: text.replace(/\r?\n$/, ""), made: false };
}

async function change(
  command: Command,
  name: string,
  words: readonly string[],
  password?: Password,
): Promise<void> {
  const { stack, json } = globals(command);
  const user = await ask<User>(stack, name, words, password?.text);
  const made = password?.made ? { password: password.text } : {};
  if (json) return printJson({ name, ...user, ...made });
  const [verb = ""] = words;
  console.log(`${user.user} (${user.role}): ${DONE[verb as keyof typeof DONE]}`);
  if (password?.made) console.log(`password: ${password.text}`);
}

const DONE = {
  add: "may log in",
  role: "has this role, and has to log in again",
  password: "has another password, and has to log in again",
  remove: "may log in no more",
} as const;

/** A change that is refused may have been one of the last admin. */
const fixOf = (name: string, [verb]: readonly string[], stack: string): string =>
  verb === "remove" || verb === "role"
    ? `${redfleet(`user list ${name}`, stack)} shows them; ${redfleet(`user add ${name} <user> --role admin`, stack)} makes another admin`
    : redfleet(`user list ${name}`, stack);

const ask = <T>(stack: string, name: string, words: readonly string[], input?: string) =>
  askRuntime<T>(stack, name, {
    ...{ script: "user.ts", words, fix: fixOf(name, words, stack) },
    ...(input !== undefined && { input }),
  });
