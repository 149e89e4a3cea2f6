import { tortureSuite } from "../runtime/support/torture-suite.ts";

tortureSuite(200);
