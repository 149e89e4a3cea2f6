/** Tells the memory of a running stack, part by part: `node test/bench/memory.ts [stack]`. */
import { memoryOf } from "../support/memory.ts";

const parts = await memoryOf(process.argv[2] ?? "dev");
for (const { name, mb } of parts)
  process.stdout.write(`${mb.toFixed(1).padStart(8)} MB  ${name}\n`);
const sum = parts.reduce((total, part) => total + part.mb, 0);
process.stdout.write(`${sum.toFixed(1).padStart(8)} MB  in sum, limit 1536\n`);
