import type { Problem } from "../errors.ts";
import { problem, type Rule } from "./rule.ts";

/** Member counts that can elect, fail over and acknowledge. */
export const storeRules: Rule = (config) => [
  ...mongodb(config.mongodb.members, config.dev),
  ...mongodbCache(config.mongodb),
  ...sentinels(config.valkey.sentinels, config.valkey.replicas, config.dev),
  ...quorum(config.valkey.sentinels, config.valkey.quorum),
  ...minReplicas(config.valkey.minReplicasToWrite, config.valkey.replicas),
];

function mongodb(members: number, dev: boolean): Problem[] {
  if (members % 2 === 1 && (members >= 3 || dev)) return [];
  const fix = `use ${members < 3 ? 3 : members + 1}`;
  const rule = "an odd number of 3 or more (1 only with dev: true)";
  return [problem("REDFLEET_CFG_MEMBERS", "mongodb.members", members, rule, fix)];
}

function mongodbCache(mongodb: { memory: number; cache?: number | undefined }): Problem[] {
  const problems: Problem[] = [];
  if (mongodb.memory < 256) {
    const rule = "at least 256 MB per member";
    problems.push(
      problem("REDFLEET_CFG_MEMORY", "mongodb.memory", `${mongodb.memory} MB`, rule, "raise it"),
    );
  }
  if (mongodb.cache !== undefined && (mongodb.cache < 256 || mongodb.cache >= mongodb.memory)) {
    const rule = `between 256 MB and less than mongodb.memory (${mongodb.memory} MB)`;
    const got = `${mongodb.cache} MB`;
    problems.push(problem("REDFLEET_CFG_MEMORY", "mongodb.cache", got, rule, "leave it out"));
  }
  return problems;
}

function sentinels(count: number, replicas: number, dev: boolean): Problem[] {
  if (count === 0 && replicas === 0 && dev) return [];
  const problems: Problem[] = [];
  if (count < 3 || count % 2 === 0) {
    const rule = "an odd number of 3 or more (0 only with dev: true and replicas: 0)";
    const fix = `use ${count < 3 ? 3 : count + 1}`;
    problems.push(problem("REDFLEET_CFG_SENTINEL", "valkey.sentinels", count, rule, fix));
  }
  if (replicas === 0) {
    const rule = "at least 1 replica: with 0 there is nothing to fail over to";
    problems.push(problem("REDFLEET_CFG_SENTINEL", "valkey.replicas", replicas, rule, "use 2"));
  }
  return problems;
}

function quorum(sentinelCount: number, value: number | undefined): Problem[] {
  const majority = majorityOf(sentinelCount);
  if (value === undefined || (value >= majority && value <= sentinelCount)) return [];
  const range = `${majority}..${sentinelCount}`;
  const [rule, fix] =
    sentinelCount === 0
      ? ["there are no Sentinels to agree", "leave it out"]
      : [`between the majority and all Sentinels (${range})`, `use ${majority}`];
  return [problem("REDFLEET_CFG_SENTINEL", "valkey.quorum", value, rule, fix)];
}

function minReplicas(value: number, replicas: number): Problem[] {
  // A single server in dev has no replicas; the plan then asks for none.
  if (value <= replicas || replicas === 0) return [];
  const rule = `at most the number of replicas (${replicas}), or writes would always fail`;
  const fix = `use ${Math.min(1, replicas)}`;
  return [problem("REDFLEET_CFG_SENTINEL", "valkey.minReplicasToWrite", value, rule, fix)];
}

/** More than half. */
export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}
