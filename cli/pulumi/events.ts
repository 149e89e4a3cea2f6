/** One line of `pulumi up --json`; only what is used here. */
export interface EngineEvent {
  timestamp?: number;
  resourcePreEvent?: { metadata: StepMetadata };
  resOutputsEvent?: { metadata: StepMetadata };
  resOpFailedEvent?: { metadata: StepMetadata };
  diagnosticEvent?: { urn?: string; message: string; severity: string };
  summaryEvent?: { resourceChanges?: Record<string, number> };
}

interface StepMetadata {
  op: string;
  urn: string;
  type: string;
  old?: { retainOnDelete?: boolean };
  new?: { inputs?: Record<string, unknown> };
}

/** A resource that is being worked on. */
interface Step {
  name: string;
  since: number;
}

/** What a run has told so far. */
export class RunReport {
  /** Number of resources per operation: `{create: 3, same: 60}`. */
  changes: Record<string, number> = {};
  /** Messages of severity `error`, in order, with the resource's name. */
  errors: { name: string; message: string }[] = [];
  /** Physical names of containers whose operation failed. */
  failedContainers = new Set<string>();
  readonly #erasesRest: boolean;
  readonly #active = new Map<string, Step>();
  readonly #containers = new Map<string, string>();

  /** @param options erasesRest: what Pulumi only forgets is deleted after the run, so nothing is kept */
  constructor({ erasesRest = false }: { erasesRest?: boolean } = {}) {
    this.#erasesRest = erasesRest;
  }

  /** Takes an event in; returns a line for the reader if it is worth one. */
  take(event: EngineEvent, now = Date.now()): string | undefined {
    if (event.resourcePreEvent) this.#begin(event.resourcePreEvent.metadata, now);
    if (event.summaryEvent) this.changes = event.summaryEvent.resourceChanges ?? {};
    if (event.diagnosticEvent) return this.#diagnose(event.diagnosticEvent);
    if (event.resOutputsEvent) return this.#finish(event.resOutputsEvent.metadata, now);
    if (event.resOpFailedEvent) return this.#fail(event.resOpFailedEvent.metadata, now);
    return undefined;
  }

  /** Names of what is being worked on, the longest first. */
  active(): string[] {
    return [...this.#active.values()].sort((a, b) => a.since - b.since).map(({ name }) => name);
  }

  #begin({ op, urn, type, new: wanted }: StepMetadata, now: number): void {
    const name = wanted?.inputs?.name;
    if (type.endsWith(":Container") && typeof name === "string") this.#containers.set(urn, name);
    if (WORDS[op] && isReal(type)) this.#active.set(urn, { name: nameOf(urn), since: now });
  }

  #finish({ op, urn, type, old }: StepMetadata, now: number): string | undefined {
    const step = this.#active.get(urn);
    this.#active.delete(urn);
    const word = WORDS[op];
    if (!word || !step || (op === "create" && !isBig(type))) return undefined;
    // Pulumi only forgets it: `retainOnDelete` keeps the object itself.
    if (op.startsWith("delete") && old?.retainOnDelete)
      return this.#erasesRest ? undefined : `kept ${kindOf(type)} ${nameOf(urn)}`;
    return `${word} ${kindOf(type)} ${nameOf(urn)} ${((now - step.since) / 1000).toFixed(1)} s`;
  }

  #fail({ op, urn, type }: StepMetadata, now: number): string {
    const container = this.#containers.get(urn);
    if (container) this.failedContainers.add(container);
    const since = this.#active.get(urn)?.since ?? now;
    this.#active.delete(urn);
    return `FAILED ${op} ${kindOf(type)} ${nameOf(urn)} after ${((now - since) / 1000).toFixed(1)} s`;
  }

  #diagnose(event: { urn?: string; message: string; severity: string }): string | undefined {
    const message = event.message.replaceAll(/<\{%[^%]*%\}>/g, "").trim();
    if (event.severity === "error") {
      this.errors.push({ name: event.urn ? nameOf(event.urn) : "", message: essence(message) });
      return undefined;
    }
    return event.severity === "warning" && message ? `warning: ${message}` : undefined;
  }
}

/** Operations that change something, in the words of a reader. */
const WORDS: Record<string, string> = {
  create: "created",
  "create-replacement": "created anew",
  "delete-replaced": "removed the old",
  update: "updated",
  delete: "removed",
  refresh: "",
};

const isReal = (type: string): boolean => /^(docker|random|kubernetes|tls):/.test(type);

/** Volumes and passwords are made by the dozen, each in no time: new ones are not worth a line. */
const isBig = (type: string): boolean => /:(Container|RemoteImage|Network)$/.test(type);

const nameOf = (urn: string): string => urn.split("::").at(-1) ?? urn;

const kindOf = (type: string): string => (type.split(":").at(-1) ?? type).toLowerCase();

/** The bridge wraps what the provider says in a count and the whole URN, and says it twice. */
const essence = (message: string): string =>
  message
    .replace(/^sdk-v2\/\S+ sdk\.helper_schema: (.*): provider=docker@\S+$/s, "$1")
    .replaceAll(/\d+ errors? occurred:\s*/g, "")
    .replaceAll(/\* (?:creating|updating|deleting|refreshing) urn:\S+\s*/g, "")
    .replace(/^\* /, "")
    .trim();
