/** Type tokens of the components: part of every URN, so they are as permanent as a table's name. */
export const TOKENS = {
  platform: "redfleet:index:Platform",
  replicaSet: "redfleet:mongodb:ReplicaSet",
  replication: "redfleet:valkey:Replication",
  sentinels: "redfleet:valkey:Sentinels",
  edge: "redfleet:edge:Edge",
  agent: "redfleet:edge:Agent",
  cluster: "redfleet:nodered:Cluster",
  tenant: "redfleet:tenant:Instance",
} as const;

export type Token = (typeof TOKENS)[keyof typeof TOKENS];
