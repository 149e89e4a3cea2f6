import { connect } from "node:net";
import { writeAtomic } from "../files.ts";

/** Sends one command to a HAProxy socket and gives its whole answer; rejects after `timeout` ms. */
export function command(socketPath: string, text: string, timeout = 5000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath, () => socket.write(`${text}\n`));
    let answer = "";
    socket.setEncoding("utf8");
    socket.setTimeout(timeout, () => socket.destroy(new Error("the proxy's socket is silent")));
    socket.on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer.trim()));
  });
}

/** What the agent asks of a running proxy. */
export class ProxyRuntime {
  readonly #folder: string;

  constructor(folder = "/run/edge") {
    this.#folder = folder;
  }

  /** The digest of the running configuration; undefined while no proxy answers. */
  async digest(): Promise<string | undefined> {
    try {
      const info = await this.worker("show info");
      return /^description: (.*)$/m.exec(info)?.[1];
    } catch {
      return undefined;
    }
  }

  /** A command to the current worker. */
  worker(text: string): Promise<string> {
    return command(`${this.#folder}/admin.sock`, text);
  }

  /**
   * Loads the configuration file anew without a break; the old worker goes on when it is bad. The
   * new one takes over the servers' addresses and health, so that it can serve from the start.
   */
  async reload(): Promise<{ done: boolean; output: string }> {
    writeAtomic(`${this.#folder}/servers.state`, `${await this.worker("show servers state")}\n`);
    const output = await command(`${this.#folder}/master.sock`, "reload", 30_000);
    return { done: output.startsWith("Success=1"), output };
  }
}
