import { describe, expect, it } from "vitest";
import { openMongodb, openValkey, type StoreLab } from "./labs.ts";
import { type Trouble, torture } from "./torture.ts";
import { mongodbTroubles, valkeyTroubles } from "./troubles.ts";

const stores = [
  {
    store: "MongoDB",
    open: async () => {
      const lab = await openMongodb();
      return { lab, troubles: mongodbTroubles(lab.set) };
    },
  },
  {
    store: "Valkey",
    open: async () => {
      const lab = await openValkey({ nodes: 3 });
      return { lab, troubles: valkeyTroubles(lab.group) };
    },
  },
];

/** Declares one test for each flow store, with so many deploys. */
export function tortureSuite(deploys: number): void {
  describe.each(stores)("reload torture on $store", ({ store, open }) => {
    it(
      `ends every replica on the last of ${deploys} deploys, none half, none twice, nothing lost`,
      async () => {
        const { lab, troubles } = await open();
        try {
          await run(store, lab, troubles, deploys);
        } finally {
          await lab.close();
        }
      },
      (120 + deploys * 6) * 1000,
    );
  });
}

async function run(
  store: string,
  lab: StoreLab,
  troubles: readonly Trouble[],
  deploys: number,
): Promise<void> {
  const { ends, lost, answered, last } = await torture(store, lab, troubles, deploys);
  expect(last).toBeGreaterThanOrEqual(deploys);
  expect(lost).toEqual([]);
  expect(answered).toBeGreaterThan(deploys);
  for (const { marks, starts } of ends) {
    expect(marks).toEqual([String(deploys), String(deploys)]);
    // A replica may skip what was replaced before it looked; nothing runs again.
    for (const each of starts) {
      expect(Object.entries(each).filter(([, count]) => count !== 1)).toEqual([]);
    }
  }
}
