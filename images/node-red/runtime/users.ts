/**
 * Users of the flow store, remembered for a moment. Node-RED asks for the user of a session on
 * every request of the editor; and with the store away nobody shall be logged out.
 */
import { type Logger, reasonOf } from "./log.ts";
import type { FlowStore, StoredUser } from "./store/types.ts";

/** A change of a role or a removed user is seen within this time; open editors are looked at each second. */
const FRESH_MS = 4000;

interface Entry {
  user: StoredUser;
  /** When it was read, or when reading it again was tried in vain. */
  at: number;
}

/** Looks users up; throws only when the store is away and the user was never seen. */
export class Users {
  private readonly known = new Map<string, Entry>();
  private readonly store: FlowStore;
  private readonly log: Logger;

  constructor(store: FlowStore, log: Logger) {
    this.store = store;
    this.log = log;
  }

  async find(username: string): Promise<StoredUser | null> {
    const entry = this.known.get(username);
    if (entry && performance.now() - entry.at < FRESH_MS) return entry.user;
    try {
      return await this.read(username);
    } catch (error) {
      if (!entry) throw error;
      entry.at = performance.now();
      return entry.user;
    }
  }

  /** As it is stored now. Users that do not exist are not remembered: their names are anybody's. */
  async read(username: string): Promise<StoredUser | null> {
    try {
      const user = await this.store.findUser(username);
      if (user) this.known.set(username, { user, at: performance.now() });
      else this.known.delete(username);
      return user;
    } catch (error) {
      this.log.warn("users cannot be read from the flow store", { reason: reasonOf(error) });
      throw error;
    }
  }
}
