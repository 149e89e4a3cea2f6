import { rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ENGINE = "/var/run/docker.sock";

/** A second way to the engine that a test can cut: for those who use it the engine is gone then. */
export class EngineProxy {
  readonly path = join(tmpdir(), `redfleet-test-engine-${process.pid}.sock`);
  /** For `DOCKER_HOST`. */
  readonly url = `unix://${this.path}`;
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer({ allowHalfOpen: true }, (socket) => this.pass(socket));

  async open(): Promise<this> {
    rmSync(this.path, { force: true });
    await new Promise<void>((resolve) => this.server.listen(this.path, resolve));
    return this;
  }

  /** From here on nobody answers, and whoever was being answered is cut off. */
  cut(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    rmSync(this.path, { force: true });
  }

  private pass(socket: Socket): void {
    const engine = connect({ path: ENGINE, allowHalfOpen: true });
    for (const [from, to] of [
      [socket, engine],
      [engine, socket],
    ] as const) {
      this.sockets.add(from);
      from.on("close", () => {
        this.sockets.delete(from);
        to.destroy();
      });
      from.on("error", () => to.destroy());
      from.pipe(to);
    }
  }
}
