/**
 * Users of a cluster or tenant, for people: `node user.ts list`, `add NAME ROLE`, `role NAME ROLE`,
 * `password NAME`, `remove NAME`. A password comes as the one line of standard input. How they are called
 * and answer: command.ts.
 */
import { text } from "node:stream/consumers";
import { answerCommand, Refused } from "./command.ts";
import { hashPassword } from "./internals.ts";
import type { FlowStore, StoredUser, UserRole } from "./store/types.ts";

const ROLES: readonly string[] = ["admin", "write", "read"] satisfies UserRole[];
const NAME = /^[\w.@+-]{1,64}$/;
/** bcrypt looks at no more: what comes after it would not count. */
const MOST_BYTES = 72;
const LEAST_LETTERS = 12;
const OTHER_PASSWORD = "give another one, or none: then one is made and printed";

function requireName(name: string): string {
  if (NAME.test(name)) return name;
  const rule = "letters, digits and . _ @ + -, at most 64";
  throw new Refused(`"${name}" is no user name: ${rule}`, "choose another name");
}

function requireRole(role: string): UserRole {
  if (ROLES.includes(role)) return role as UserRole;
  throw new Refused(`"${role}" is no role`, `use ${ROLES.join(", ")}`);
}

async function readPassword(): Promise<string> {
  const password = (await text(process.stdin)).replace(/\r?\n$/, "");
  if ([...password].length < LEAST_LETTERS) {
    throw new Refused(`a password has at least ${LEAST_LETTERS} characters`, OTHER_PASSWORD);
  }
  if (Buffer.byteLength(password) > MOST_BYTES) {
    const why = `a password has at most ${MOST_BYTES} bytes: more are not compared`;
    throw new Refused(why, OTHER_PASSWORD);
  }
  return hashPassword(password);
}

async function requireUser(store: FlowStore, name: string): Promise<StoredUser> {
  const user = await store.findUser(name);
  if (user !== null) return user;
  const names = (await store.users()).map(({ username }) => username).sort();
  throw new Error(`there is no user "${name}"; there are: ${names.join(", ") || "none"}`);
}

/** Somebody has to be able to deploy: what leaves nobody is refused, or taken back when two changed something at once. */
async function keepAdmin(
  store: FlowStore,
  user: StoredUser,
  change: () => Promise<void>,
): Promise<void> {
  const admins = async () => (await store.users()).filter(({ role }) => role === "admin");
  const only = `"${user.username}" is the only admin: make another one first`;
  const others = (await admins()).filter(({ username }) => username !== user.username);
  if (user.role === "admin" && others.length === 0) throw new Error(only);
  await change();
  if ((await admins()).length > 0) return;
  await store.writeUser(user);
  throw new Error(only);
}

async function add(store: FlowStore, name: string, role: string) {
  const username = requireName(name);
  if ((await store.findUser(username)) !== null) {
    throw new Error(`there is a user "${username}" already`);
  }
  const passwordHash = await readPassword();
  // Somebody who had this name before may have left logins behind.
  const user = { username, role: requireRole(role), passwordHash, loginsFrom: Date.now() };
  await store.writeUser(user);
  return told(user);
}

async function changeRole(store: FlowStore, name: string, wanted: string) {
  const user = await requireUser(store, name);
  const role = requireRole(wanted);
  const change = () => store.writeUser({ ...user, role, loginsFrom: Date.now() });
  await (role === "admin" ? change() : keepAdmin(store, user, change));
  return told({ ...user, role });
}

async function changePassword(store: FlowStore, name: string) {
  const user = await requireUser(store, name);
  const passwordHash = await readPassword();
  await store.writeUser({ ...user, passwordHash, loginsFrom: Date.now() });
  return told(user);
}

async function remove(store: FlowStore, name: string) {
  const user = await requireUser(store, name);
  await keepAdmin(store, user, () => store.removeUser(name));
  return told(user);
}

const told = ({ username, role }: StoredUser) => ({ user: username, role });

await answerCommand("user", async (store, [command, name = "", role = ""]) => {
  if (command === "list") {
    const users = (await store.users()).map(told);
    return users.sort((a, b) => (a.user < b.user ? -1 : 1));
  }
  if (command === "add") return add(store, name, role);
  if (command === "role") return changeRole(store, name, role);
  if (command === "password") return changePassword(store, name);
  if (command === "remove") return remove(store, name);
  throw new Error(
    "usage: list | add <name> <role> | role <name> <role> | password <name> | remove <name>",
  );
});
