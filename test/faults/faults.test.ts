import { describeEveryFault } from "./every-fault.ts";

describeEveryFault();
