import type { Redis } from "ioredis";
import { interleave, row } from "./measure.ts";
import type { Benchmark, Row } from "./types.ts";
import { Context, startValkey } from "./valkey.ts";

const ROUNDS = 5;
/** More than a hundred: the folding of patches into the document is part of the cost. */
const UPDATES = 250;
const KILOBYTES = [1, 11, 124];

/** The usual way to change a part: read the whole document, change it, write it, all in one script. */
const WHOLE_DOCUMENT = `
local document = cjson.decode(redis.call('GET', KEYS[1]))
document.part.value = ARGV[1]
redis.call('SET', KEYS[1], cjson.encode(document))
return 1`;

/** A document of about so many kilobytes, with a part that is changed. */
function documentOf(kilobytes: number): object {
  const rows = Array.from({ length: kilobytes * 10 }, (_, index) => ({
    id: `row-${index}`,
    text: "x".repeat(70),
  }));
  return { part: { value: "" }, rows };
}

async function perUpdate(update: (value: string) => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  for (let index = 0; index < UPDATES; index += 1) await update(`value-${index}`);
  return ((performance.now() - begin) * 1000) / UPDATES;
}

async function ofSize(kilobytes: number, context: Context, client: Redis): Promise<Row> {
  const key = `document${kilobytes}`;
  await context.set(key, documentOf(kilobytes));
  await client.set(key, JSON.stringify(documentOf(kilobytes)));
  const times = await interleave(ROUNDS, {
    ours: () => perUpdate((value) => context.set(`${key}.part.value`, value)),
    peer: () => perUpdate((value) => client.eval(WHOLE_DOCUMENT, 1, key, value)),
    limit: () => perUpdate((value) => client.hset("fields", key, value)),
  });
  const metric = `change of a part in ${kilobytes} KB`;
  return row("B9", metric, "µs", times, { of: "limit", atMost: 1.2 });
}

export const b9: Benchmark = {
  id: "B9",
  what: "nested updates of shared context by size of the document",
  async run() {
    const server = await startValkey();
    const context = await Context.open();
    try {
      const rows: Row[] = [];
      for (const kilobytes of KILOBYTES) rows.push(await ofSize(kilobytes, context, server.client));
      return rows;
    } finally {
      await context.close();
      await server.close();
    }
  },
};
