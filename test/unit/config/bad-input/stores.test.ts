import { badInput, withSections } from "../parse.ts";

badInput([
  [
    "two members",
    withSections({ mongodb: { members: 2 } }),
    "mongodb.members: got 2; an odd number of 3 or more (1 only with dev: true); use 3 [REDFLEET_CFG_MEMBERS]",
  ],
  [
    "four members",
    withSections({ mongodb: { members: 4 } }),
    "mongodb.members: got 4; an odd number of 3 or more (1 only with dev: true); use 5 [REDFLEET_CFG_MEMBERS]",
  ],
  [
    "one member outside dev",
    withSections({ dev: false, mongodb: { members: 1 } }),
    "mongodb.members: got 1; an odd number of 3 or more (1 only with dev: true); use 3 [REDFLEET_CFG_MEMBERS]",
  ],
  [
    "nine members",
    withSections({ mongodb: { members: 9 } }),
    "mongodb.members: got 9; at most 7 voters; use 3, 5 or 7 [REDFLEET_CFG_MEMBERS]",
  ],
  [
    "no member",
    withSections({ mongodb: { members: 0 } }),
    "mongodb.members: got 0; at least one member; use 3 [REDFLEET_CFG_MEMBERS]",
  ],
  [
    "members without memory",
    withSections({ mongodb: { memory: "200 MB" } }),
    'mongodb.memory: got "200 MB"; at least 256 MB per member; raise it [REDFLEET_CFG_MEMORY]',
  ],
  [
    "a cache as large as its member",
    withSections({ mongodb: { cache: "400 MB" } }),
    'mongodb.cache: got "400 MB"; between 256 MB and less than mongodb.memory (400 MB); leave it out [REDFLEET_CFG_MEMORY]',
  ],
  [
    "a small oplog",
    withSections({ mongodb: { oplogMb: 100 } }),
    "mongodb.oplogMb: got 100; an oplog of at least 990 MB; use 990..1000000 [REDFLEET_CFG_VALUE]",
  ],
  [
    "a context store that is not there",
    withSections({ clusters: { main: { context: { default: "redis" } } } }),
    'clusters.main.context.default: got "redis"; memory or shared; use memory [REDFLEET_CFG_VALUE]',
  ],
  [
    "two Sentinels",
    withSections({ valkey: { sentinels: 2 } }),
    "valkey.sentinels: got 2; an odd number of 3 or more (0 only with dev: true and replicas: 0); use 3 [REDFLEET_CFG_SENTINEL]",
  ],
  [
    "Sentinels without replicas",
    withSections({ valkey: { replicas: 0 } }),
    "valkey.replicas: got 0; at least 1 replica: with 0 there is nothing to fail over to; use 2 [REDFLEET_CFG_SENTINEL]",
  ],
  [
    "a quorum above the Sentinels",
    withSections({ valkey: { quorum: 4 } }),
    "valkey.quorum: got 4; between the majority and all Sentinels (2..3); use 2 [REDFLEET_CFG_SENTINEL]",
  ],
  [
    "a quorum below the majority",
    withSections({ valkey: { quorum: 1 } }),
    "valkey.quorum: got 1; between the majority and all Sentinels (2..3); use 2 [REDFLEET_CFG_SENTINEL]",
  ],
  [
    "a quorum of no Sentinels",
    withSections({ valkey: { replicas: 0, sentinels: 0, quorum: 1 } }),
    "valkey.quorum: got 1; there are no Sentinels to agree; leave it out [REDFLEET_CFG_SENTINEL]",
  ],
  [
    "more replicas to write than there are",
    withSections({ valkey: { minReplicasToWrite: 3 } }),
    "valkey.minReplicasToWrite: got 3; at most the number of replicas (2), or writes would always fail; use 1 [REDFLEET_CFG_SENTINEL]",
  ],
  [
    "a hasty fail-over",
    withSections({ valkey: { downAfterMs: 100 } }),
    "valkey.downAfterMs: got 100; at least 1000 ms; use 1000..600000 [REDFLEET_CFG_SENTINEL]",
  ],
]);
