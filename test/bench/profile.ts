/**
 * Profiles of the processes of ours that a benchmark measures: CPU and live heap, one file of each a process,
 * as Chrome's DevTools open them, and their shares by module and function.
 */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { buffer } from "node:stream/consumers";
import type { Container } from "dockerode";
import type { Section } from "../../images/node-red/pack/stacks.ts";

interface Frame {
  readonly functionName: string;
  readonly url: string;
  /** From 0. */
  readonly lineNumber: number;
}
/** A frame, and what it has by itself: samples, or bytes. */
export type Weight = readonly [frame: Frame, weight: number];
interface HeapNode {
  readonly callFrame: Frame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

const MAP = "/app/runtime.pack.map";
const MOST = 12;

let root: string | undefined;
let folder: string | undefined;
let processes = 0;

/** Has the processes that start from now on profiled. @returns the folder of all profiles. */
export function profile(benchmark: string): string {
  root ??= mkdtempSync(join(tmpdir(), "redfleet-profiles-"));
  folder = join(root, benchmark);
  mkdirSync(folder);
  chmodSync(root, 0o755);
  // The user of the container writes them.
  chmodSync(folder, 0o777);
  return folder;
}

/** Flags of Node and mounts for one more process; neither unless profiles are taken. */
export function profileOptions(role: string): { flags: string[]; binds: string[] } {
  if (folder === undefined) return { flags: [], binds: [] };
  processes += 1;
  const flags = ["cpu", "heap"].flatMap((kind) => [
    `--${kind}-prof`,
    `--${kind}-prof-dir=/profile`,
    `--${kind}-prof-name=${role}-${processes}.${kind}profile`,
  ]);
  return { flags, binds: [`${folder}:/profile`] };
}

/** Lets a process write its profiles, which it does at an orderly end. */
export async function endProfiled(container: Container): Promise<void> {
  if (folder === undefined) return;
  await container.stop({ t: 30 });
  const archive = await buffer(await container.getArchive({ path: MAP }));
  // One file: a header of 512 bytes that has its size in octal digits, then its content.
  const size = Number.parseInt(archive.toString("latin1", 124, 135), 8);
  writeFileSync(join(folder, basename(MAP)), archive.subarray(512, 512 + size));
}

/** What a benchmark's profiles say, by role of the processes. */
export function summarise(): string {
  if (folder === undefined) return "";
  const [here, files] = [folder, readdirSync(folder)];
  const profiles = files.filter((name) => name.endsWith("profile"));
  if (profiles.length === 0) return "   no runtime of ours was started\n";
  const sections = readFileSync(join(here, basename(MAP)), "utf8").split("\n");
  const packed = sections.map((section) => JSON.parse(section) as Section);
  const groups = Map.groupBy(profiles, (name) => name.replace(/-\d+\./, " "));
  const texts = [...groups].map(([group, names]) => {
    const weights = names.flatMap((name) => weightsOf(join(here, name)));
    return `   ${group}, ${names.length} processes\n${renderShares(weights, packed)}`;
  });
  return `   profiles: ${here}\n${texts.join("")}`;
}

function weightsOf(file: string): Weight[] {
  const content = JSON.parse(readFileSync(file, "utf8"));
  const ofHeap = (node: HeapNode): Weight[] => [
    [node.callFrame, node.selfSize],
    ...node.children.flatMap(ofHeap),
  ];
  if (content.head) return ofHeap(content.head);
  const nodes = content.nodes as { callFrame: Frame; hitCount?: number }[];
  return nodes.map(({ callFrame, hitCount = 0 }) => [callFrame, hitCount]);
}

/** Shares of what is not idle, the largest first. */
export function renderShares(weights: readonly Weight[], packed: readonly Section[]): string {
  const busy = weights.filter(([frame]) => frame.functionName !== "(idle)");
  const sum = busy.reduce((total, [, weight]) => total + weight, 0);
  const shares = (nameOf: (frame: Frame) => string) => {
    const by = new Map<string, number>();
    for (const [frame, weight] of busy) {
      by.set(nameOf(frame), (by.get(nameOf(frame)) ?? 0) + weight);
    }
    const largest = [...by].sort(([, a], [, b]) => b - a).slice(0, MOST);
    const percent = (weight: number) => ((weight / sum) * 100).toFixed(1).padStart(8);
    return largest.map(([name, weight]) => `${percent(weight)} %  ${name}\n`).join("");
  };
  const module = (frame: Frame) => moduleOf(frame, packed);
  const named = (frame: Frame) => `${frame.functionName || "(anonymous)"}, ${module(frame)}`;
  return `${shares(module)}\n${shares(named)}\n`;
}

/** The package, or the file, that a function is of. */
function moduleOf({ functionName, url, lineNumber }: Frame, packed: readonly Section[]): string {
  const inPack = url.endsWith("/runtime.pack");
  const path = inPack ? packed.findLast(([before]) => before <= lineNumber)?.[1] : url;
  if (!path) return functionName.startsWith("(") ? functionName : "native";
  const name = path.split("node_modules/").at(-1) ?? path;
  if (name !== path) return name.split("/", name.startsWith("@") ? 2 : 1).join("/");
  return path.startsWith("node:") ? "node" : basename(path);
}
