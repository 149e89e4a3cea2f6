/** Saves flows and a library entry with the HTTP scaling article's own plugin; input as JSON in INPUT. */
// @ts-expect-error the package has no types
import storage from "node-red-mongo-storage-plugin-with-sync";

interface Plugin {
  init(settings: {
    storageModuleOptions: { mongoUrl: string; database: string; collectionNames: object };
  }): Promise<void>;
  saveFlows(flows: object[]): Promise<void>;
  saveLibraryEntry(type: string, path: string, meta: object, body: string): Promise<void>;
}

const plugin: Plugin = storage;
const { mongoUrl, database, collectionNames, flows, fn } = JSON.parse(process.env.INPUT ?? "");
await plugin.init({ storageModuleOptions: { mongoUrl, database, collectionNames } });
await plugin.saveFlows(flows);
await plugin.saveLibraryEntry("functions", fn.name, { outputs: 1 }, fn.text);
// It follows a change stream and never lets the process end.
process.exit(0);
