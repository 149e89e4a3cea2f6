/** Which tabs a deploy touches, and which tabs an HTTP endpoint belongs to. */
import type { Comparison, FlowDiff, ParsedFlows } from "./internals.ts";
import type { FlowNode } from "./node-red.ts";

/** What a deploy restarts. */
export interface Scope {
  /** Everything, or the ids of tabs. */
  tabs: "all" | Set<string>;
  /** Tabs of each endpoint, before and after the deploy. */
  endpoints: Map<string, Set<string>>;
}

const nothing: ParsedFlows = { allNodes: {} };

/** Key of an endpoint: method and path as the node registers them. */
export function endpointKey(method: string, path: string): string {
  return `${method.toLowerCase()} ${path.startsWith("/") ? path : `/${path}`}`;
}

/** Tabs of a node: its own, or for a node of a subflow those of all its instances. */
class TabFinder {
  private readonly nodes: Record<string, FlowNode>;
  private readonly instances = new Map<string, FlowNode[]>();
  private readonly httpIns: FlowNode[] = [];
  private readonly linkIns: string[] = [];
  private readonly linkers: FlowNode[] = [];

  constructor(flows: ParsedFlows) {
    this.nodes = flows.allNodes;
    // Once over all nodes: there may be thousands, and every deploy waits for it.
    for (const node of Object.values(this.nodes)) this.sort(node);
  }

  private sort(node: FlowNode): void {
    if (node.type === "http in") this.httpIns.push(node);
    else if (node.type === "link in") this.linkIns.push(node.id);
    else if (node.type === "link out" || node.type === "link call") this.linkers.push(node);
    else if (node.type.startsWith("subflow:")) {
      const subflow = node.type.slice("subflow:".length);
      this.instances.set(subflow, [...(this.instances.get(subflow) ?? []), node]);
    }
  }

  tabsOf(id: string, seen = new Set<string>()): Set<string> {
    if (seen.has(id)) return new Set();
    seen.add(id);
    const node = this.nodes[id];
    if (node?.type === "tab") return new Set([id]);
    const container = node?.type === "subflow" ? id : node?.z;
    if (container === undefined) return new Set();
    if (this.nodes[container]?.type !== "subflow") return new Set([container]);
    const instances = this.instances.get(container) ?? [];
    return new Set(instances.flatMap((instance) => [...this.tabsOf(instance.id, seen)]));
  }

  endpoints(): [string, Set<string>][] {
    return this.httpIns
      .filter((node) => typeof node.url === "string")
      .map((node) => [endpointKey(String(node.method), node.url as string), this.tabsOf(node.id)]);
  }

  /** Pairs of tabs between which messages may pass by link nodes. */
  links(): [string, string][] {
    return this.linkers.flatMap((node) => {
      const targets = node.linkType === "dynamic" ? this.linkIns : ((node.links ?? []) as string[]);
      return targets.flatMap((target) => this.pairs(node.id, target));
    });
  }

  private pairs(from: string, to: string): [string, string][] {
    const targets = [...this.tabsOf(to)];
    return [...this.tabsOf(from)].flatMap((a) => targets.map((b) => [a, b] as [string, string]));
  }
}

function touchedIds(diff: FlowDiff): string[] {
  const { added, changed, removed, rewired, linked, flowChanged } = diff;
  return [...added, ...changed, ...removed, ...rewired, ...linked, ...flowChanged];
}

/** Adds to `tabs` what is linked with them, over any number of links. */
function closeOverLinks(tabs: Set<string>, links: [string, string][]): void {
  for (let size = -1; size !== tabs.size; ) {
    size = tabs.size;
    for (const [a, b] of links) {
      if (tabs.has(a)) tabs.add(b);
      else if (tabs.has(b)) tabs.add(a);
    }
  }
}

function mergeEndpoints(finders: TabFinder[]): Map<string, Set<string>> {
  const merged = new Map<string, Set<string>>();
  for (const [key, tabs] of finders.flatMap((finder) => finder.endpoints())) {
    merged.set(key, new Set([...(merged.get(key) ?? []), ...tabs]));
  }
  return merged;
}

/** Scope of a deploy of `type`, from Node-RED's own comparison. */
export function scopeOf(type: unknown, { before, after, diff }: Comparison): Scope {
  const finders = [new TabFinder(before ?? nothing), new TabFinder(after)];
  const endpoints = mergeEndpoints(finders);
  const partial = type === "nodes" || type === "flows";
  if (!partial || diff.globalConfigChanged) return { tabs: "all", endpoints };
  const tabs = new Set<string>();
  for (const id of touchedIds(diff)) {
    for (const finder of finders) for (const tab of finder.tabsOf(id)) tabs.add(tab);
  }
  closeOverLinks(
    tabs,
    finders.flatMap((finder) => finder.links()),
  );
  return { tabs, endpoints };
}

/** True when the endpoint `key` must wait for a deploy of `scope`. */
export function isAffected(scope: Scope, key: string): boolean {
  if (scope.tabs === "all") return true;
  const owners = scope.endpoints.get(key);
  // A route that some other node registered: it stays, or was replaced at once.
  if (owners === undefined) return false;
  for (const tab of owners) if (scope.tabs.has(tab)) return true;
  return false;
}
