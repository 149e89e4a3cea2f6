/**
 * Runs a task again and again, never twice at a time: on demand (asks within `settle` ms are one),
 * and every `period` ms. An ask during a run gives one more run after it.
 */
export class Loop {
  readonly #task: () => Promise<void>;
  readonly #settle: number;
  readonly #period: number;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(task: () => Promise<void>, times: { settle: number; period: number }) {
    this.#task = task;
    this.#settle = times.settle;
    this.#period = times.period;
  }

  /** Asks for a run in `delay` ms at the latest; default: as soon as things have settled. */
  ask(delay = this.#settle): void {
    const due = Date.now() + delay;
    if (this.#stopped || due >= this.#due) return;
    this.#due = due;
    clearTimeout(this.#timer);
    if (!this.#running) this.#arm();
  }

  /** Ends after the run that is going on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #arm(): void {
    this.#timer = setTimeout(() => this.#run(), Math.max(0, this.#due - Date.now()));
  }

  #run(): void {
    this.#due = Number.POSITIVE_INFINITY;
    // Asks of the task itself must find it running, also those before its first pause.
    const run = Promise.resolve().then(this.#task);
    this.#running = run.finally(() => {
      this.#running = undefined;
      if (this.#stopped) return;
      this.#due = Math.min(this.#due, Date.now() + this.#period);
      this.#arm();
    });
  }
}
