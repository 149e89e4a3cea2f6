import { describeEveryFault } from "../faults/every-fault.ts";

/** On the stack that is up anyway. `npm run test:faults` also restarts the engine under it. */
describeEveryFault();
