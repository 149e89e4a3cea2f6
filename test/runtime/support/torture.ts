import { type FlowNode, tab } from "../../support/flows.ts";
import { report } from "../../support/report.ts";
import { pause, until } from "../../support/wait.ts";
import { Editor } from "./editor.ts";
import { answering, counted } from "./flows.ts";
import type { StoreLab } from "./labs.ts";
import { startLoad } from "./load.ts";
import { type Runtime, start } from "./runtime.ts";

/** Something that goes wrong with a store or with who listens to it, and how it ends. */
export interface Trouble {
  readonly name: string;
  /** Brings it about; answers how to end it. */
  begin(replica: Runtime): Promise<() => Promise<void>>;
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

const TABS = ["left", "right"];

/** Two tabs with the same mark: half a deploy would show two. Each start of a mark is counted. */
function flowsOf(mark: number): FlowNode[] {
  const moving = TABS.flatMap((id) => {
    const code = `msg.payload = { mark: "${mark}", starts: global.get("${id}") };`;
    const [input, fn, output] = answering(id, `${id}-x`, `/${id}`, code) as [
      FlowNode,
      FlowNode,
      FlowNode,
    ];
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

/** Milliseconds until every replica runs a revision. */
async function convergence(replicas: readonly Runtime[], revision: number): Promise<number> {
  const begin = performance.now();
  await Promise.all(replicas.map((replica) => replica.reaches(revision, 35)));
  return performance.now() - begin;
}

/**
 * Deploys `count` times to an editor and two replicas under load, with the troubles one after the
 * other, evenly spread; each ends after a few deploys.
 */
export async function torture(
  store: string,
  lab: StoreLab,
  troubles: readonly Trouble[],
  count: number,
): Promise<TortureResult> {
  await lab.addUser("admin", "admin");
  // Nothing but the store's own signals may bring the news.
  const environment = { REDFLEET_POLL_SECONDS: "3600" };
  const roles = [
    { role: "editor", worker: "e" },
    { role: "replica", worker: "r-0" },
    { role: "replica", worker: "r-1" },
  ] as const;
  const runtimes = await Promise.all(
    roles.map((role) => start({ ...lab.access, ...role, environment })),
  );
  const [editor, ...replicas] = runtimes as [Runtime, Runtime, Runtime];
  try {
    const person = await Editor.login(editor);
    const loads: ReturnType<typeof startLoad>[] = [];
    const every = Math.ceil(count / troubles.length);
    let end: (() => Promise<void>) | undefined;
    for (let mark = 1; mark <= count; mark++) {
      const step = (mark - 1) % every;
      const trouble = troubles[Math.floor((mark - 1) / every)] as Trouble;
      if (step === 1) end = await trouble.begin(replicas[0]);
      await deploy(person, mark);
      if (mark === 1) {
        await convergence(replicas, await revisionOf(editor));
        for (const replica of replicas) loads.push(startLoad(`${replica.url}/still`, 1));
      }
      if (end && step >= Math.min(4, every - 1)) {
        await end();
        end = undefined;
        const ms = await convergence(replicas, await revisionOf(editor));
        report(`${store}: all replicas live after ${trouble.name}`, ms, "ms");
      }
    }
    const last = await revisionOf(editor);
    await convergence(replicas, last);
    const results = await Promise.all(loads.map((load) => load.stop()));
    const ends = await Promise.all(replicas.map(endOf));
    const answered = results.reduce((sum, { ok }) => sum + ok, 0);
    return { last, ends, lost: results.flatMap(({ lost }) => lost), answered };
  } finally {
    await Promise.all(runtimes.map((runtime) => runtime.remove()));
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
