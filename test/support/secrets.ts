import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readFileFrom } from "../../cli/engine/copy.ts";
import { demultiplex } from "../../cli/engine/logs.ts";
import { PASSPHRASE, STATE } from "../../cli/pulumi/places.ts";
import { localPath } from "../../config/local.ts";
import { containersOf } from "./containers.ts";
import { engine } from "./engine.ts";
import { ROOT } from "./process.ts";
import { pulumi, stackFile, succeeded, type TestStack } from "./stack.ts";

/** Texts by a name that says where each is from. */
export type Texts = Readonly<Record<string, string>>;

/** How Pulumi marks a secret in an export that shows them. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";

interface Exported {
  readonly deployment: {
    readonly resources: readonly {
      readonly urn: string;
      readonly type: string;
      readonly outputs?: Readonly<Record<string, unknown>>;
    }[];
  };
}

/**
 * Every secret of a stack by its name: what the program has generated, with the hashes of it, the credential secret
 * as its cluster has it, the keys of the authorities, and the passphrase of the state. Connection strings are made of
 * these.
 */
export async function secretsOf(stack: TestStack): Promise<Texts> {
  const exported = succeeded(await pulumi(stack, ["stack", "export", "--show-secrets"]));
  const { deployment } = JSON.parse(exported.stdout) as Exported;
  const generated = deployment.resources
    .filter(({ type }) => type.startsWith("random:"))
    .flatMap(({ urn, outputs }) =>
      Object.entries(outputs ?? {}).flatMap(([key, value]) => {
        const text = plaintext(value);
        return text === undefined ? [] : [[`${urn.split("::").at(-1)} ${key}`, text] as const];
      }),
    );
  return {
    ...Object.fromEntries(generated),
    passphrase: readFileSync(PASSPHRASE, "utf8").trim(),
    ...(await secretFiles(stack)),
  };
}

function plaintext(value: unknown): string | undefined {
  const secret = value as { [SIGNATURE]?: string; plaintext?: string } | null;
  if (typeof secret !== "object" || secret?.[SIGNATURE] === undefined) return undefined;
  const text: unknown = JSON.parse(secret.plaintext ?? "null");
  return typeof text === "string" ? text : undefined;
}

/** Secrets that are files of the containers alone. */
async function secretFiles({ name }: TestStack): Promise<Texts> {
  const read = async (container: string, path: string) => {
    const content = await readFileFrom(engine, `${name}-${container}`, path);
    return [`${container} ${path}`, content?.toString().trim() ?? ""] as const;
  };
  const files = [
    await read("editor-main", "/credentials/secret"),
    await read("agent", "/ca/ca.key"),
  ];
  return Object.fromEntries(files);
}

/** All that anybody may look at who is not meant to know a secret: the state, the stack file, logs, the engine. */
export async function textsOf(stack: TestStack): Promise<Texts> {
  const containers = await containersOf(stack.name);
  const filters = { label: [`redfleet.stack=${stack.name}`] };
  const engineSays = containers.map((one) => [`inspect ${one.Name}`, JSON.stringify(one)] as const);
  const logs = await Promise.all(
    containers.map(async ({ Id, Name }) => [`log of ${Name}`, await logOf(Id)] as const),
  );
  return {
    ...Object.fromEntries([...engineSays, ...logs]),
    volumes: JSON.stringify(await engine.listVolumes({ filters })),
    networks: JSON.stringify(await engine.listNetworks({ filters })),
    "stack file": readFileSync(stackFile(stack), "utf8"),
    ...filesBelow(STATE),
    ...filesBelow(join(ROOT, localPath(stack.name))),
  };
}

const logOf = async (id: string): Promise<string> =>
  demultiplex(await engine.getContainer(id).logs({ stdout: true, stderr: true, follow: false }));

function filesBelow(folder: string): Texts {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(path, "utf8")]));
}

/** Which secret stands where, as it is or in one of the forms in which it travels. */
export function leaks(secrets: Texts, texts: Texts): string[] {
  return Object.entries(secrets).flatMap(([name, secret]) => {
    const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
    const all = [...forms, Buffer.from(secret).toString("base64")];
    return Object.entries(texts)
      .filter(([, text]) => all.some((form) => text.includes(form)))
      .map(([where]) => `${name} in ${where}`);
  });
}
