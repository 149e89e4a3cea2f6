/** One worker's part in the trial of one revision, from its first question to its word. */
import type { Logger } from "./log.ts";
import { inTime, persist } from "./retry.ts";
import type { Trial, Version } from "./store/trials.ts";
import type { FlowStore } from "./store/types.ts";

export interface PartOptions {
  store: FlowStore;
  worker: string;
  log: Logger;
}

/** One worker's part. */
export class Part {
  private readonly options: PartOptions;
  private readonly version: Version;
  private readonly leaseMs: number;
  private asking: Promise<Trial> | undefined;
  /** It is this worker's trial, or may be: an answer that never came says nothing. */
  private mayBeOwn = false;
  /** What is known. */
  trial: Trial | undefined;

  constructor(options: PartOptions, version: Version, leaseMs: number) {
    this.options = options;
    this.version = { revision: version.revision, writeId: version.writeId };
    this.leaseMs = leaseMs;
  }

  get isOwn(): boolean {
    return this.trial?.state === "trying" && this.trial.worker === this.options.worker;
  }

  /** Takes the trial if it is free. Resolves when that is known, or after this time: the store may hang. */
  async ask(timeMs: number): Promise<Trial | undefined> {
    this.asking ??= this.take().finally(() => {
      this.asking = undefined;
    });
    return inTime("the trial was not asked for", this.asking, timeMs, this.options.log);
  }

  private async take(): Promise<Trial> {
    const { store, worker } = this.options;
    this.mayBeOwn = true;
    this.trial = await store.trials.take(this.version, worker, this.leaseMs);
    this.mayBeOwn = this.isOwn;
    return this.trial;
  }

  /**
   * Gives its word, when it was asked for it.
   * @param lives resolves when it is known whether the revision was applied and did no harm.
   */
  async end(lives: () => Promise<boolean>): Promise<void> {
    const { store, worker, log } = this.options;
    // An answer that is on its way may still be this worker's trial.
    await this.asking?.catch(() => {});
    if (!this.mayBeOwn) return;
    const applied = await lives();
    const tell = () => store.trials.end(this.version, worker, applied);
    await persist("the end of a trial was not told", tell, log);
  }
}
