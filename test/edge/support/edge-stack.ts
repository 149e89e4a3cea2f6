import { randomBytes } from "node:crypto";
import type Docker from "dockerode";
import { exec } from "../../../cli/engine/exec.ts";
import { engine } from "../../support/engine.ts";

/** The objects of a stack of its own on the engine: their names, their labels, and what they say. */
export class EdgeStack {
  readonly stack = `test-edge-${randomBytes(3).toString("hex")}`;
  readonly domain = `${this.stack}.localhost`;

  /** Full name of a part: `agent`, `edge`, `tenant-acme`, `replica-main-0`. */
  name(part: string): string {
    return `${this.stack}-${part}`;
  }

  host(label: string): string {
    return `${label}.${this.domain}`;
  }

  container(part: string): Docker.Container {
    return engine.getContainer(this.name(part));
  }

  /** Runs a command in a part's container; its standard output. @throws when it fails. */
  async run(part: string, command: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await exec(engine, this.name(part), command);
    if (code !== 0) throw new Error(`${command.join(" ")} in ${part}: ${code} ${stderr}`);
    return stdout;
  }

  /** The authority's certificate, PEM. */
  authority(): Promise<string> {
    return this.run("agent", ["cat", "/ca/ca.crt"]);
  }

  /** The agent's log lines with this message. */
  async logged(message: string): Promise<Record<string, unknown>[]> {
    const raw = await this.container("agent").logs({ stdout: true, stderr: true, follow: false });
    const lines = raw
      .toString("utf8")
      .split("\n")
      .filter((line) => line.includes('"message"'));
    const parsed = lines.map((line) => JSON.parse(line.slice(line.indexOf("{"))));
    return parsed.filter((line) => line.message === message);
  }

  /** Makes the proxy load its configuration file anew; its own words on that. */
  reload(): Promise<string> {
    const script = `require("net").connect("/run/edge/master.sock").end("reload\\n").pipe(process.stdout)`;
    return this.run("agent", ["node", "-e", script]);
  }

  async removeContainer(part: string): Promise<void> {
    await this.container(part).remove({ force: true, v: true });
  }

  /** The address of a part in one of the stack's networks. */
  async address(part: string, network = "edge"): Promise<string> {
    const { NetworkSettings } = await this.container(part).inspect();
    return NetworkSettings.Networks[this.name(network)]?.IPAddress ?? "";
  }

  async setRoute(kind: string, key: string, fields: Record<string, string>): Promise<void> {
    const Name = this.name(`route-${kind}-${key}`);
    await engine
      .getVolume(Name)
      .remove()
      .catch(() => undefined);
    const route = Object.entries({ kind, ...fields });
    const labels = route.map(([field, value]) => [`redfleet.route.${field}`, value]);
    await engine.createVolume({
      Name,
      Labels: { ...this.labels("route", key), ...Object.fromEntries(labels) },
    });
  }

  async makeNetwork(Name: string, component: string, key = "", more: object = {}): Promise<void> {
    await engine.createNetwork({
      ...more,
      Name,
      CheckDuplicate: true,
      Labels: this.labels(component, key),
    });
  }

  protected labels(component: string, key = ""): Record<string, string> {
    return {
      "redfleet.stack": this.stack,
      "redfleet.component": component,
      ...(key && { "redfleet.name": key }),
    };
  }

  protected mount(volume: string, Target: string, ReadOnly = false): Docker.MountSettings {
    const Labels = this.labels(volume.startsWith("edge") ? "edge" : "agent");
    const VolumeOptions = { NoCopy: false, Labels, DriverConfig: { Name: "local", Options: {} } };
    return { Type: "volume", Source: this.name(volume), Target, ReadOnly, VolumeOptions };
  }
}
