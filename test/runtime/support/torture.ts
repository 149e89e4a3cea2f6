import { answering, type FlowNode, tab } from "../../support/flows.ts";
import { report, waits } from "../../support/report.ts";
import { returns, type StoreProbe } from "../../support/store-probe.ts";
import { pause, until } from "../../support/wait.ts";
import { Editor } from "./editor.ts";
import { counted } from "./flows.ts";
import type { StoreLab } from "./labs.ts";
import { startLoad } from "./load.ts";
import { type Runtime, start } from "./runtime.ts";

/** How a trouble ends. */
export interface Ending {
  end(): Promise<void>;
  /** Asked once all is well again. @throws when the trouble has not happened. */
  happened?(): Promise<void>;
}

/** Something that goes wrong with a store or with who listens to it, and how it ends. */
export interface Trouble {
  readonly name: string;
  /** It stops the first replica, which counts from the end of it; all others count from its beginning. */
  readonly stops?: true;
  /** The store takes no writes for a while. */
  readonly away?: true;
  begin(replica: Runtime): Promise<Ending>;
}

/** Where troubles are brought about. */
export interface Scene {
  /** Its name, for figures. */
  readonly store: string;
  readonly lab: StoreLab;
  readonly troubles: readonly Trouble[];
  readonly probe: StoreProbe;
}

/** What was seen from the first deploy to the last. */
export interface TortureResult {
  /** Revision that the store gave to the last deploy. */
  readonly last: number;
  /** Per replica: mark of both tabs, and how often each mark was started on each of them. */
  readonly ends: { readonly marks: string[]; readonly starts: Record<string, number>[] }[];
  /** Requests to the untouched endpoint that got no right answer. */
  readonly lost: string[];
  /** Requests to it that did. */
  readonly answered: number;
}

/** Milliseconds from the return of the store until every replica runs what was saved then. */
const CONVERGENCE = waits(5000);
const TABS = ["left", "right"];

/** Two tabs with the same mark: half a deploy would show two. Each start of a mark is counted. */
function flowsOf(mark: number): FlowNode[] {
  const moving = TABS.flatMap((id) => {
    const code = `msg.payload = { mark: "${mark}", starts: global.get("${id}") };`;
    const [input, fn, output] = answering(id, `${id}-x`, `/${id}`, code);
    const initialize = [
      `const starts = global.get("${id}") || {};`,
      `starts["${mark}"] = (starts["${mark}"] || 0) + 1;`,
      `global.set("${id}", starts);`,
    ].join("\n");
    return [tab(id), input, { ...fn, initialize }, output];
  });
  return [tab("still"), ...counted("still", "s", "/still", "untouched"), ...moving];
}

/** Deploys until the store takes it. */
async function deploy(person: Editor, mark: number): Promise<void> {
  const attempt = async () => {
    await person.load();
    const answer = await person.tryDeploy(flowsOf(mark));
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return true;
  };
  await until(`deploy ${mark} is stored`, attempt, { seconds: 90, every: 100 });
}

interface Cluster {
  readonly editor: Runtime;
  readonly replicas: readonly [Runtime, Runtime];
}

async function startCluster({ lab }: Scene): Promise<Cluster> {
  // Nothing but the store's own signals may bring the news.
  const environment = { REDFLEET_POLL_SECONDS: "3600", REDFLEET_LOG_LEVEL: "debug" } as const;
  const one = (role: "editor" | "replica", worker: string) =>
    start({ ...lab.access, role, worker, environment });
  const [editor, ...replicas] = await Promise.all([
    one("editor", "e"),
    one("replica", "r-0"),
    one("replica", "r-1"),
  ]);
  return { editor, replicas };
}

/** Waits until every replica runs what the editor runs. */
async function converged({ editor, replicas }: Cluster): Promise<void> {
  const revision = await revisionOf(editor);
  await Promise.all(replicas.map((replica) => replica.reaches(revision, 35)));
}

/** Tells how long the replicas take to be live, from a moment on or from the return of the store since then. */
async function tellConvergence(
  { store, probe }: Scene,
  cluster: Cluster,
  what: string,
  since: number,
  wasAway = false,
): Promise<void> {
  await converged(cluster);
  const live = performance.now();
  const returned = () => returns(probe.times, since)[0];
  const from = wasAway ? await until("the probe saw the store return", returned) : since;
  // They may be faster than the probe.
  const ms = Math.max(0, live - from);
  report(`${store}: all replicas live ${what}`, ms, "ms", CONVERGENCE);
}

/** Deploys all the marks, with a trouble from the second to the fifth. */
async function suffer(
  scene: Scene,
  { name, begin, away, stops }: Trouble,
  cluster: Cluster,
  deployMark: (mark: number) => Promise<void>,
  [first = 0, ...marks]: readonly number[],
): Promise<void> {
  const tell = (what: string, since: number, wasAway = false) =>
    tellConvergence(scene, cluster, what, since, wasAway);
  await deployMark(first);
  const begun = performance.now();
  const { end, happened } = await begin(cluster.replicas[0]);
  for (const [index, mark] of marks.entries()) {
    await deployMark(mark);
    const saved = performance.now();
    if (index === 0 && !stops) await tell(`after ${name}`, away ? begun : saved, away);
    if (index !== Math.min(3, marks.length - 1)) continue;
    if (!stops) await tell(`on a later save while ${name}`, saved);
    await end();
    if (stops) await tell(`after ${name}`, performance.now());
    else await converged(cluster);
    await happened?.();
  }
}

/**
 * Deploys `count` times and once before to an editor and two replicas under load, with the troubles one after the
 * other, evenly spread; each ends after a few deploys.
 */
export async function torture(scene: Scene, count: number): Promise<TortureResult> {
  await scene.lab.addUser("admin", "admin");
  const cluster = await startCluster(scene);
  try {
    const person = await Editor.login(cluster.editor);
    const deployMark = (mark: number) => deploy(person, mark);
    await deployMark(0);
    await converged(cluster);
    const loads = cluster.replicas.map((replica) => startLoad(`${replica.url}/still`, 1));
    const every = Math.ceil(count / scene.troubles.length);
    const marks = Array.from({ length: count }, (_, index) => index + 1);
    for (const [index, trouble] of scene.troubles.entries()) {
      const own = marks.slice(index * every, (index + 1) * every);
      await suffer(scene, trouble, cluster, deployMark, own);
    }
    await converged(cluster);
    const last = await revisionOf(cluster.editor);
    const results = await Promise.all(loads.map((load) => load.stop()));
    const ends = await Promise.all(cluster.replicas.map(endOf));
    const answered = results.reduce((sum, { ok }) => sum + ok, 0);
    return { last, ends, lost: results.flatMap(({ lost }) => lost), answered };
  } finally {
    await Promise.all([cluster.editor, ...cluster.replicas].map((runtime) => runtime.remove()));
  }
}

/** What the editor runs, once it has nothing more to apply. */
async function revisionOf(editor: Runtime): Promise<number> {
  await pause(50);
  return (await editor.status()).revision ?? 0;
}

async function endOf(replica: Runtime) {
  const answers = await Promise.all(
    TABS.map(async (id) => {
      const answer = await fetch(`${replica.url}/${id}`);
      return (await answer.json()) as { mark: string; starts: Record<string, number> };
    }),
  );
  return { marks: answers.map(({ mark }) => mark), starts: answers.map(({ starts }) => starts) };
}
