import { createHash } from "node:crypto";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { physicalName } from "../../../config/names.ts";
import type { Owner, Process, WorkloadFile } from "../types.ts";
import { hardened, limits } from "./defaults.ts";
import { type MadeImage, makeImage } from "./image.ts";
import { labels } from "./labels.ts";

/** Where a workload finds its files. */
export const FILES_PATH = "/run/redfleet";

/** The image of the holders: nothing is in it, and nothing of it ever runs. */
export function makeFilesImage(owner: Owner, platform: string): MadeImage {
  return makeImage(owner, { id: `${platform}-image-${FILES_IMAGE}`, folder: "files", args: {} });
}

/** Its name in the registry. */
export const FILES_IMAGE = "files";

/** The volume with a workload's files, and the label value that changes with them. */
export interface PlacedFiles {
  readonly volume: string;
  readonly digest: pulumi.Output<string>;
  readonly holder: docker.Container;
}

/**
 * Puts files into a volume of their own: the engine refuses uploads into a container with a read-only
 * root, so a holder container that never starts takes them, and the workload mounts its volume.
 */
export function placeFiles(
  owner: Owner,
  plan: Process,
  image: docker.RemoteImage,
): PlacedFiles | undefined {
  if (plan.files === undefined || plan.files.length === 0) return undefined;
  const id = `${plan.id}.files`;
  const identity = { ...plan.identity, component: "files" as const };
  const volume = new docker.Volume(
    id,
    { name: `${plan.name}-files`, labels: labels(identity) },
    { parent: owner, deleteBeforeReplace: true, ignoreChanges: ["labels"] },
  );
  const holder = new docker.Container(
    id,
    {
      ...hardened({ user: plan.user }),
      // Empty, like the image's: with a user the engine gives every file to that user, and refuses one that
      // has no name on the host. The owners are those of the uploads; the holder itself never runs.
      user: "",
      ...limits({ memory: 16 }),
      name: holderName(plan),
      image: image.imageId,
      command: ["/redfleet/holder-never-runs"],
      labels: labels(identity),
      mounts: [{ type: "volume", source: volume.name, target: FILES_PATH }],
      uploads: [...plan.files].sort((a, b) => (a.name < b.name ? -1 : 1)).map(upload(plan.user)),
      readOnly: false,
      start: false,
      mustRun: false,
      restart: "no",
    },
    { parent: owner, deleteBeforeReplace: true, dependsOn: [volume] },
  );
  return { volume: `${plan.name}-files`, digest: digest(plan.files), holder };
}

/** Names of containers are one space: the component comes first, where no tenant key can stand. */
function holderName(plan: Process): string {
  const { stack } = plan.identity;
  return physicalName(stack, "files", plan.name.slice(stack.length + 1));
}

function upload(user: Process["user"]) {
  return ({ name, content }: WorkloadFile) => ({
    file: `${FILES_PATH}/${name}`,
    content,
    permissions: "0400",
    owner: String(user.uid),
    group: String(user.gid),
  });
}

/**
 * A digest that changes with any file, so that the workload is replaced with them. Not secret: every set of
 * files that holds a secret holds a generated one, so it cannot be guessed from its digest, and one secret
 * label would mask all labels in the preview.
 */
function digest(files: readonly WorkloadFile[]): pulumi.Output<string> {
  const contents = files.map(({ name, content }) => pulumi.output(content).apply((c) => [name, c]));
  const hash = pulumi
    .all(contents)
    .apply((all) => createHash("sha256").update(JSON.stringify(all.sort())).digest("hex"));
  return pulumi.unsecret(hash.apply((hex) => hex.slice(0, 16)));
}
