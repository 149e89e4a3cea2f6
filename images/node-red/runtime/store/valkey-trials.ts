/** Trials of revisions: one hash, a field for each, with the server's own time. */
import type { ChainableCommander, Redis } from "ioredis";
import type { Trial, Trials, Version } from "./trials.ts";

/** Milliseconds since 1970, beyond all times: nobody takes the trial any more. */
const NEVER = 1e14;

/**
 * KEYS: trials. ARGV: write id, revision, worker, and what the second half needs. `trial` is what is known:
 * `free` is the time from which on somebody may take it.
 */
const FIND = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local worker, never = ARGV[3], ${NEVER}
local known = redis.call('HGET', KEYS[1], ARGV[1])
local trial = known and cjson.decode(known)
  or {revision = tonumber(ARGV[2]), state = 'trying', worker = '', free = 0, failures = 0}
local own = trial.state == 'trying' and trial.worker == worker
`;

const KEEP = `
local text = cjson.encode(trial)
redis.call('HSET', KEYS[1], ARGV[1], text)
return text
`;

/** ARGV[4]: lease in milliseconds. */
const TAKE = `${FIND}
if trial.free > now then return known end
trial.state, trial.worker, trial.free = 'trying', worker, now + tonumber(ARGV[4])
${KEEP}`;

/**
 * ARGV[4]: 1 when it was applied, 0 when somebody else may try. ARGV[5]: the newest revision to forget. Writes also
 * when nothing changes, as when it is sent again: WAIT is about what its connection has written.
 */
const END = `${FIND}
if own and ARGV[4] == '0' then trial.worker, trial.free = '', 0
elseif own then
  trial.state, trial.free, trial.failures = 'applied', never, 0
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    if cjson.decode(all[i + 1]).revision <= tonumber(ARGV[5]) then redis.call('HDEL', KEYS[1], all[i]) end
  end
end
${KEEP}`;

/** ARGV[4]: lease and pauses in milliseconds, as JSON. */
const FAIL = `${FIND}
if own then
  local times = cjson.decode(ARGV[4])
  trial.failures = trial.failures + 1
  trial.state = trial.failures > 1 and 'held' or 'trying'
  trial.free = now + times[math.min(trial.failures, #times)]
elseif trial.state == 'applied' or trial.worker == '' then
  trial.state, trial.worker, trial.free = 'trying', '', 0
  trial.failures = math.max(trial.failures, 1)
end
${KEEP}`;

export interface ValkeyTrialOptions {
  key: string;
  /** Revisions whose trials are kept. */
  history: number;
  /** Runs a command on the store's connection. */
  run<T>(work: (client: Redis) => Promise<T>): Promise<T>;
  /** Sends a write until enough replicas have it. */
  confirm(what: string, write: (chain: ChainableCommander) => unknown): Promise<unknown>;
}

const trialOf = (writeId: string, json: unknown): Trial => {
  const { revision, state, worker, failures } = JSON.parse(String(json)) as Trial;
  return { revision, writeId, state, worker, failures };
};

/** Trials below one prefix. */
export class ValkeyTrials implements Trials {
  private readonly options: ValkeyTrialOptions;

  constructor(options: ValkeyTrialOptions) {
    this.options = options;
  }

  async take(version: Version, worker: string, leaseMs: number): Promise<Trial> {
    return trialOf(version.writeId, await this.run(TAKE, version, worker, [leaseMs]));
  }

  async end({ revision, writeId }: Version, worker: string, applied: boolean): Promise<void> {
    const { key, history, confirm } = this.options;
    const said = [applied ? 1 : 0, revision - history];
    await confirm("the end of a trial", (chain) =>
      chain.eval(END, 1, key, writeId, revision, worker, ...said),
    );
  }

  async fail(
    version: Version,
    worker: string,
    timesMs: readonly [number, ...number[]],
  ): Promise<Trial> {
    const times = JSON.stringify(timesMs);
    return trialOf(version.writeId, await this.run(FAIL, version, worker, [times]));
  }

  async list(): Promise<Trial[]> {
    const found = await this.options.run((client) => client.hgetall(this.options.key));
    return Object.entries(found).map(([writeId, json]) => trialOf(writeId, json));
  }

  private run(
    script: string,
    { writeId, revision }: Version,
    worker: string,
    more: readonly (string | number)[],
  ): Promise<unknown> {
    const { key, run } = this.options;
    return run((client) => client.eval(script, 1, key, writeId, revision, worker, ...more));
  }
}
