import { describe, expect, it } from "vitest";
import { probeMongodb, probeValkey } from "../../support/store-probe.ts";
import { openMongodb, openValkey } from "./labs.ts";
import { type Scene, torture } from "./torture.ts";
import { mongodbTroubles, valkeyTroubles } from "./troubles.ts";

const stores = [
  {
    store: "MongoDB",
    open: async () => {
      const lab = await openMongodb();
      const probe = probeMongodb(lab.set.members(), "probe");
      return { lab, troubles: mongodbTroubles(lab.set), probe };
    },
  },
  {
    store: "Valkey",
    open: async () => {
      const lab = await openValkey({ nodes: 3 });
      const members = [0, 1, 2].map((member) => lab.group.direct("valkey", member));
      const probe = probeValkey(members, "probe");
      return { lab, troubles: valkeyTroubles(lab.group), probe };
    },
  },
];

/** Declares one test for each flow store, with so many deploys. */
export function tortureSuite(deploys: number): void {
  describe.each(stores)("reload torture on $store", ({ store, open }) => {
    it(
      `ends every replica on the last of ${deploys} deploys, none half, none twice, nothing lost`,
      async () => {
        const { lab, troubles, probe } = await open();
        try {
          await run({ store, lab, troubles, probe }, deploys);
        } finally {
          await probe.stop();
          await lab.close();
        }
      },
      (120 + deploys * 6) * 1000,
    );
  });
}

async function run(scene: Scene, deploys: number): Promise<void> {
  const { ends, lost, answered, last } = await torture(scene, deploys);
  expect(last).toBeGreaterThanOrEqual(deploys);
  expect(lost, lost.join("\n")).toEqual([]);
  expect(answered).toBeGreaterThan(deploys);
  for (const { marks, starts } of ends) {
    expect(marks).toEqual([String(deploys), String(deploys)]);
    // Each mark that one tab has started, the other has as well.
    expect(Object.keys(starts[0] ?? {})).toEqual(Object.keys(starts[1] ?? {}));
    // A replica may skip what was replaced before it looked; nothing runs again.
    for (const each of starts) {
      expect(Object.entries(each).filter(([, count]) => count !== 1)).toEqual([]);
    }
  }
}
