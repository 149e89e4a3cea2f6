/** Trials of revisions: one hash, a field for each, with the server's own time. */
import type { Redis } from "ioredis";
import type { Trial, Trials, Version } from "./trials.ts";

/** Milliseconds since 1970, beyond all times: nobody takes the trial any more. */
const NEVER = 1e14;

/**
 * KEYS: trials. ARGV: write id, revision, worker, and what the second half needs. `trial` is what is known:
 * `free` is the time from which on somebody may take it, `dead` are the workers whose processes it ended since it
 * was applied last.
 */
const FIND = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local worker, never = ARGV[3], ${NEVER}
local known = redis.call('HGET', KEYS[1], ARGV[1])
local trial = known and cjson.decode(known)
  or {revision = tonumber(ARGV[2]), state = 'trying', worker = '', free = 0, failures = 0, dead = {}}
local own = trial.state == 'trying' and trial.worker == worker
`;

const KEEP = `
local text = cjson.encode(trial)
redis.call('HSET', KEYS[1], ARGV[1], text)
return text
`;

/** ARGV[4]: lease in milliseconds. */
const TAKE = `${FIND}
if not own and trial.free > now then return known end
trial.state, trial.worker, trial.free = 'trying', worker, now + tonumber(ARGV[4])
${KEEP}`;

/** ARGV[4]: 1 when it was applied, 0 when somebody else may try. ARGV[5]: the newest revision to forget. */
const END = `${FIND}
if not own then return known end
if ARGV[4] == '0' then trial.free = 0 else
  trial.state, trial.free, trial.dead = 'applied', never, {}
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    if cjson.decode(all[i + 1]).revision <= tonumber(ARGV[5]) then redis.call('HDEL', KEYS[1], all[i]) end
  end
end
${KEEP}`;

/** ARGV[4]: pauses in milliseconds, as JSON. */
const FAIL = `${FIND}
trial.dead[worker] = true
local dead = 0
for _ in pairs(trial.dead) do dead = dead + 1 end
if own or (trial.state == 'applied' and dead >= 2) then
  trial.failures = trial.failures + 1
  local pause = cjson.decode(ARGV[4])[trial.failures]
  trial.state, trial.worker, trial.free = 'held', worker, pause and now + pause or never
end
${KEEP}`;

export interface ValkeyTrialOptions {
  key: string;
  /** Revisions whose trials are kept. */
  history: number;
  /** Runs a command on the store's connection. */
  run<T>(work: (client: Redis) => Promise<T>): Promise<T>;
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

  async end(version: Version, worker: string, applied: boolean): Promise<void> {
    const forgotten = version.revision - this.options.history;
    await this.run(END, version, worker, [applied ? 1 : 0, forgotten]);
  }

  async fail(version: Version, worker: string, pausesMs: readonly number[]): Promise<Trial> {
    const pauses = JSON.stringify(pausesMs);
    return trialOf(version.writeId, await this.run(FAIL, version, worker, [pauses]));
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
