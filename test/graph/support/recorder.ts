import * as pulumi from "@pulumi/pulumi";
import type { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";

/** A resource as it was registered: what mocks do not show is read from the request itself. */
export interface Registered {
  /** Path of parent types and names: unique where Pulumi's own URN is. */
  readonly urn: string;
  /** Its URN as its children name it. */
  readonly self: string;
  readonly type: string;
  readonly name: string;
  readonly parent: string;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  /** `undefined`: whatever the provider prefers. */
  readonly deleteBeforeReplace: boolean | undefined;
  readonly dependsOn: readonly string[];
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly inputs: Readonly<Record<string, unknown>>;
}

const SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/**
 * Runs a program under Pulumi's own mocks and returns every resource it registers, sorted by URN. Waits for
 * the runtime to be idle, so that resources behind chains of outputs are there too.
 */
export async function recordGraph(stack: string, program: () => unknown): Promise<Registered[]> {
  await pulumi.runtime.setMocks(
    { newResource: answer, call: ({ inputs }) => inputs },
    "redfleet",
    stack,
    false,
  );
  const recorded: Registered[] = [];
  const monitor = pulumi.runtime.getMonitor() as unknown as MockMonitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = async (request, callback) => {
    return register(request, (error, response) => {
      recorded.push(read(request, response?.getUrn() ?? ""));
      callback(error, response);
    });
  };
  await program();
  await pulumi.runtime.disconnect();
  return recorded.sort((a, b) => (a.urn < b.urn ? -1 : 1));
}

/** Outputs that the engine would add: ids and generated values, the same in every run. */
function answer({ name, type, inputs }: pulumi.runtime.MockResourceArgs) {
  const generated: Record<string, Record<string, unknown>> = {
    "random:index/randomPassword:RandomPassword": { result: `password-of-${name}` },
    "random:index/randomBytes:RandomBytes": { base64: `bytes-of-${name}` },
    "docker:index/remoteImage:RemoteImage": { imageId: `sha256:${name}` },
    "docker:index/container:Container": { exitCode: 0 },
  };
  return { id: `${name}-id`, state: { ...inputs, ...generated[type] } };
}

// biome-ignore lint/suspicious/noExplicitAny: the request is a generated protobuf class without types.
function read(request: any, self: string): Registered {
  const parent = request.getParent() as string;
  const [type, name] = [request.getType() as string, request.getName() as string];
  return {
    urn: `${parent ? `${parent.split("::").slice(2).join("::")}$` : ""}${type}::${name}`,
    ...{ self, type, name, parent },
    protect: request.getProtect(),
    retainOnDelete: request.getRetainondelete(),
    deleteBeforeReplace: request.getDeletebeforereplacedefined()
      ? request.getDeletebeforereplace()
      : undefined,
    dependsOn: request.getDependenciesList(),
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    inputs: plain(request.getObject()?.toJavaScript() ?? {}) as Record<string, unknown>,
  };
}

/** Secrets become `[secret]`, whatever is in them. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  const map = value as Record<string, unknown>;
  if (map[SECRET_SIGNATURE] === SECRET) return "[secret]";
  return Object.fromEntries(Object.entries(map).map(([key, inner]) => [key, plain(inner)]));
}
