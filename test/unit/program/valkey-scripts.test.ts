import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../../support/process.ts";

const SCRIPTS = join(ROOT, "images/valkey");

/** Runs a script with bash; `$SCRIPTS` is where the image's own are. */
function bash(script: string, env: Readonly<Record<string, string>> = {}) {
  return spawnSync("bash", ["-euo", "pipefail", "-c", script], {
    env: { PATH: process.env.PATH ?? "", SCRIPTS, ...env },
    encoding: "utf8",
  });
}

/**
 * A primary that hands over, in a world of three Sentinels and one replica, where a look at the replica takes a second
 * of a clock that nobody waits for.
 * @param inStep what the looks at the replica find, in order; the last holds for ever
 * @returns what was done, each with the second in which it was
 */
function handOver(inStep: readonly boolean[]): string[] {
  const world = `
    SENTINELS=(a b c) REDFLEET_MEMBER_ADDRESS=10.0.0.1 QUORUM=2 MASTER_NAME=m DATA_PORT=1 SENTINEL_PORT=2
    . "$SCRIPTS/hand-over.sh"
    server=$$ found=(${inStep.map(String).join(" ")})
    tell() { echo "$SECONDS $1"; }
    say() { :; }
    sleep() { :; }
    ask() { [[ $* != *ROLE ]] || echo master; }
    ask_admin() { :; }
    referrals() { printf '%s 10.0.0.1\\n' a b c; }
    replicas() { echo 10.0.0.2 slave 100; }
    recognised() { :; }
    written() { echo 100; }
    in_step() {
      local now=\${found[0]}
      [[ \${#found[@]} -eq 1 ]] || found=("\${found[@]:1}")
      SECONDS=$((SECONDS + 1))
      "$now"
    }
    hold_writes() { tell hold; }
    let_writes() { tell let; }
    promote() { tell promote; }
    await_successor() { :; }
    # Else bash goes on adding the seconds of the wall clock.
    unset SECONDS; SECONDS=0
    hand_over
    tell end`;
  const { status, stdout, stderr } = bash(world);
  expect(status, stderr).toBe(0);
  return stdout.trim().split("\n");
}

test("a primary holds writes once its replicas are in step, until one is promoted", () => {
  expect(handOver([true])).toEqual(["1 hold", "2 promote", "2 end"]);
  expect(handOver([false, true, false, true])).toEqual(["2 hold", "4 promote", "4 end"]);
});

test("a replica that falls behind then holds writes for two seconds at a time", () => {
  const behind = [true, false, false, false];
  expect(handOver([...behind, ...behind, true])).toEqual([
    ...["1 hold", "3 let", "5 hold", "7 let"],
    ...["9 hold", "10 promote", "10 end"],
  ]);
});

test("a replica that is behind all the time holds no writes, and the end up for 12 s at most", () => {
  expect(handOver([false])).toEqual(["12 end"]);
});

test("a primary whose hand-over hangs ends all the same", () => {
  const { stdout } = bash(`
    SENTINELS=(a b c)
    . "$SCRIPTS/hand-over.sh"
    LATEST=0.2
    sleep 60 & server=$!
    hand_over() {
      for _ in {1..100}; do kill -0 "$server" 2>/dev/null || { echo "the server has ended"; return; }; sleep 0.1; done
      echo "the server is still there"
    }
    end_in_order`);
  expect(stdout.trim()).toBe("the server has ended");
});

test("a script says which address list is missing; a group may have no Sentinels", () => {
  const begin = '. "$SCRIPTS/common.sh"';
  expect(bash(begin, { REDFLEET_SENTINELS: "" }).stderr).toContain(
    "REDFLEET_SERVERS: addresses of the data nodes",
  );
  expect(bash(begin, { REDFLEET_SERVERS: "10.0.0.1" }).stderr).toContain(
    "REDFLEET_SENTINELS: addresses of the Sentinels, or empty",
  );
  const { stderr } = bash(begin, { REDFLEET_SERVERS: "10.0.0.1", REDFLEET_SENTINELS: "" });
  expect(stderr).not.toContain("REDFLEET_SE");
});
