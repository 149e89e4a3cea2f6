import { tortureSuite } from "./support/torture-suite.ts";

// The whole of it: `npm run test:torture`.
tortureSuite(20);
