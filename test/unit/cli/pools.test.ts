import { expect, test } from "vitest";
import { judgeRoom } from "../../../cli/doctor/network.ts";
import type { Engine } from "../../../cli/engine/client.ts";
import { readRoom, roomOf, tooFewNetworks } from "../../../cli/engine/pools.ts";

const network = (Name: string, Subnet?: string) => ({
  Name,
  IPAM: { Config: Subnet === undefined ? [] : [{ Subnet }] },
});

test.each([[undefined], [null], [[]]])(
  "an engine that tells no pools (%j) has room for 31 networks",
  (pools) => {
    expect(roomOf(pools, [], ["a"]).free).toBe(31);
    const taken = [
      network("bridge", "172.17.0.0/16"),
      network("host"),
      network("x", "192.168.16.0/20"),
    ];
    expect(roomOf(pools, taken, []).free).toBe(29);
  },
);

test("a network of any width takes every part of a pool that it touches", () => {
  const pools = [{ Base: "172.20.0.0/22", Size: 24 }];
  expect(roomOf(pools, [], []).free).toBe(4);
  expect(roomOf(pools, [network("a", "172.20.0.0/23")], []).free).toBe(2);
  expect(roomOf(pools, [network("a", "172.20.1.64/26")], []).free).toBe(3);
  expect(roomOf(pools, [network("a", "10.0.0.0/8"), network("b", "fd00::/64")], []).free).toBe(4);
});

test("a network that is there is not needed again", () => {
  const room = roomOf(
    undefined,
    [network("dev-edge", "172.18.0.0/16")],
    ["dev-edge", "dev-tenant-a"],
  );
  expect(room).toEqual({ free: 30, needed: 1 });
});

test("a tenant that was renamed keeps its network, so it needs none", async () => {
  const names = ["dev-edge", "dev-tenant-acme"];
  const engine = {
    info: async () => ({ DefaultAddressPools: [{ Base: "172.20.0.0/23", Size: 24 }] }),
    listNetworks: async () => names.map((name, index) => network(name, `172.20.${index}.0/24`)),
  } as unknown as Engine;
  const room = await readRoom(engine, "dev", { shop: { renamedFrom: "acme" } });
  expect(tooFewNetworks(room)).toBeUndefined();
  expect(await readRoom(engine, "dev", { shop: {} })).toEqual({ free: 0, needed: 1 });
});

test("too little room is a failure with what to do; just enough is none", () => {
  expect(tooFewNetworks({ free: 3, needed: 3 })).toBeUndefined();
  expect(judgeRoom({ free: 3, needed: 3 }).verdict).toBe("ok");
  const { verdict, detail, fix } = judgeRoom({ free: 3, needed: 40 });
  expect(verdict).toBe("fail");
  expect(detail).toBe("the engine has addresses for 3 more networks, and the stack needs 40");
  expect(fix).toContain("default-address-pools");
});
