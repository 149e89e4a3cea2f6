/** Login of the editor against the users of the flow store. */
import { checkSessions, comparePassword } from "./internals.ts";
import type { Logger } from "./log.ts";
import type { NodeRed } from "./node-red.ts";
import type { FlowStore, StoredUser, UserRole } from "./store/types.ts";
import { Users } from "./users.ts";

/** What Node-RED knows of a user. */
interface EditorUser {
  username: string;
  permissions: string | string[];
}

/** A day; Node-RED's default is a week. */
const SESSION_SECONDS = 86_400;

/** bcrypt of a random text: an unknown user costs as much time as a wrong password. */
const NOBODY = "$2b$10$CwTycUXWue0Thq9StjUM0uJ8Dm0r1mPZr5c3S0YyqQW5nN4l3o8iK";

/** `write` edits and deploys; only `admin` may touch the palette and what belongs to everybody. */
const PERMISSIONS: Record<UserRole, string | string[]> = {
  admin: "*",
  write: [
    "read",
    "flows.write",
    "context.write",
    "library.write",
    "inject.write",
    "debug.write",
    "settings.write",
  ],
  read: "read",
};

function toEditorUser(user: StoredUser): EditorUser {
  return { username: user.username, permissions: PERMISSIONS[user.role] ?? [] };
}

/**
 * Node-RED's `adminAuth`. Node-RED itself refuses a user name after five failures in ten minutes;
 * the edge limits by address.
 */
export function createAdminAuth(red: NodeRed, store: FlowStore, log: Logger) {
  const known = new Users(store, log);
  const isName = (name: unknown): name is string => typeof name === "string" && name !== "";
  // Node-RED does not expect a rejection here: it would end the process.
  const orNull = async (attempt: Promise<EditorUser | null>) => attempt.catch(() => null);

  async function find(username: unknown): Promise<EditorUser | null> {
    const user = isName(username) ? await known.find(username) : null;
    return user && toEditorUser(user);
  }
  async function check(username: unknown, password: unknown): Promise<EditorUser | null> {
    const user = isName(username) ? await known.read(username) : null;
    const matches = await comparePassword(String(password), user?.passwordHash ?? NOBODY);
    return user && matches ? toEditorUser(user) : null;
  }
  checkSessions(red, async ({ user, expires }) => {
    const begun = expires - SESSION_SECONDS * 1000;
    // With the store away a login is not over; whether it counts, `users` says.
    const found = await known.find(user).catch(() => undefined);
    return found === undefined || (found !== null && begun >= (found.loginsFrom ?? 0));
  });
  return {
    type: "credentials",
    sessionExpiryTime: SESSION_SECONDS,
    users: (username: unknown) => orNull(find(username)),
    authenticate: (username: unknown, password: unknown) => orNull(check(username, password)),
  };
}
