/** What the packed file runs: the runtime, or its rehearsal while the image is built. */
import { run } from "../runtime/run.ts";
import { rehearse } from "../runtime/warm.ts";

const list = process.env.REDFLEET_REHEARSAL;
if (list === undefined) void run();
else {
  rehearse(list).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}
