import { type Db, type Document, MongoClient, MongoError, MongoParseError } from "mongodb";
import { CliError } from "../errors.ts";
import { SESSIONS_LEFT_OUT, SETTINGS_LEFT_OUT } from "./left-out.ts";
import { GENERATED_SECRET, revealed } from "./secrets.ts";
import type { FlowNode, Found, LibraryEntry, SourceOptions } from "./types.ts";

/** Longest wait for the database, in milliseconds. */
const TIMEOUT = 10_000;

/** Reads what a storage plugin has written into MongoDB; which plugin, its collections tell. */
export async function readMongo(uri: string, options: SourceOptions): Promise<Found> {
  let client: MongoClient | undefined;
  try {
    client = await connected(uri);
    return await readDatabase(client.db(), options);
  } catch (error) {
    if (!(error instanceof MongoError)) throw error;
    throw new CliError({
      what: "the MongoDB to import from does not let itself be read",
      why: error.message,
      fix: "check host, user, password and authSource of the URI; mongosh with the same URI must work",
    });
  } finally {
    await client?.close();
  }
}

async function connected(uri: string): Promise<MongoClient> {
  try {
    return await MongoClient.connect(uri, {
      serverSelectionTimeoutMS: TIMEOUT,
      readPreference: "primaryPreferred",
    });
  } catch (error) {
    if (error instanceof MongoError && !(error instanceof MongoParseError)) throw error;
    throw new CliError({
      what: "the MongoDB URI cannot be used",
      why: (error as Error).message,
      fix: "mongodb://user:password@host:27017/database, special characters percent-encoded",
    });
  }
}

async function readDatabase(db: Db, options: SourceOptions): Promise<Found> {
  const collections = await db.listCollections({ type: "collection" }).toArray();
  const names = collections.map(({ name }) => name).sort();
  const samples = await Promise.all(names.map((name) => sampleOf(db, name)));
  const ofNodes = names.filter((_, index) => isNode(samples[index]));
  if (ofNodes.length > 0 || options.collection !== undefined) {
    return readOnePerNode(db, chooseCollection(db, ofNodes, options.collection), names);
  }
  if (names.includes("flows")) return readOnePerApp(db, options);
  throw new CliError({
    what: `no flows of a known storage plugin in the database "${db.databaseName}"`,
    why: `it has the collections ${names.join(", ") || "none"}; in none of them are nodes, and none is called flows`,
    fix: "name the right database at the end of the URI: mongodb://host:27017/<database>",
  });
}

/** One document of a collection, whose documents are of one kind. */
const sampleOf = (db: Db, name: string): Promise<Document | null> =>
  name.startsWith("system.") ? Promise.resolve(null) : db.collection(name).findOne();

/** Whether a document is a node as the HTTP scaling plugin keeps it, under whatever collection name. */
const isNode = (document: Document | null | undefined): boolean =>
  [document?.instanceId, document?.id, document?.type].every((field) => typeof field === "string");

function chooseCollection(db: Db, there: readonly string[], wanted: string | undefined): string {
  const [only] = there;
  if (wanted !== undefined && there.includes(wanted)) return wanted;
  if (wanted === undefined && only !== undefined && there.length === 1) return only;
  throw new CliError({
    what:
      wanted === undefined
        ? "several collections of flows to choose from"
        : `no flows in a collection "${wanted}"`,
    why: `the database "${db.databaseName}" has flows in ${there.join(", ") || "none"}`,
    fix: "--collection <name> says which one",
  });
}

/**
 * node-red-mongo-storage-plugin-with-sync: a document per node, with two fields of its own, and a
 * collection per type of library entry. It never stored credentials: version 1.0.0 drops them.
 */
async function readOnePerNode(
  db: Db,
  collection: string,
  names: readonly string[],
): Promise<Found> {
  const documents = await db.collection(collection).find().toArray();
  const flows = documents.map(({ _id, instanceId, ...node }) => node as unknown as FlowNode);
  const others = names.filter((name) => !/^(nodered-|system\.)/.test(name));
  const found = await Promise.all(others.map((type) => readPaths(db, type)));
  return {
    system: "node-red-mongo-storage-plugin-with-sync",
    flows,
    credentials: {},
    library: found.flatMap(({ entries }) => entries),
    modules: {},
    leftOut: [
      "credentials: that plugin never stored any; enter them in the editor",
      ...found.flatMap(({ leftOut }) => leftOut),
    ],
  };
}

/** The library entries of a type, and a line on documents that look like some: the collection may be of another system. */
async function readPaths(
  db: Db,
  type: string,
): Promise<{ entries: LibraryEntry[]; leftOut: string[] }> {
  const fields = {
    path: { $type: "string" },
    meta: { $type: "string" },
    body: { $type: "string" },
  };
  const documents = await db.collection(type).find(fields).toArray();
  const read = documents.map((document) => entryOf(type, document));
  const entries = read.filter((entry) => entry !== undefined);
  const others = read.length - entries.length;
  const line = `library: ${others} documents of the collection "${type}", whose meta or body is not JSON`;
  return { entries, leftOut: others === 0 ? [] : [line] };
}

/** undefined where the plugin cannot have written it: it writes JSON. */
function entryOf(type: string, { path, meta, body }: Document): LibraryEntry | undefined {
  try {
    const text: unknown = JSON.parse(body);
    return {
      type,
      path: withoutSlash(path),
      meta: JSON.parse(meta),
      body: typeof text === "string" ? text : JSON.stringify(text),
    };
  } catch {
    return undefined;
  }
}

/** hardillb's node-red-contrib-storage-mongodb: one document per instance, named by `appname`. */
async function readOnePerApp(db: Db, { app, credentialSecret }: SourceOptions): Promise<Found> {
  const appname = await chooseApp(db, app);
  const one = (collection: string) => db.collection(collection).findOne({ appname });
  const count = (collection: string) => db.collection(collection).countDocuments({ appname });
  const [flows, credentials, settings, sessions, users] = await Promise.all([
    one("flows"),
    one("credentials"),
    one("settings"),
    count("sessions"),
    count("users"),
  ]);
  const stored = parseCredentials(credentials?.credentials, appname);
  const generated = settings?.settings?.[GENERATED_SECRET] as string | undefined;
  const entries = await db.collection("libraries").find({ appname }).toArray();
  return {
    system: `hardillb storage, instance ${appname}`,
    flows: flows?.flow,
    credentials: revealed(stored, credentialSecret ?? generated),
    library: entries.map(({ type, name, meta, body }) => ({
      type,
      path: withoutSlash(name),
      meta: meta ?? {},
      body: typeof body === "string" ? body : JSON.stringify(body),
    })),
    modules: {},
    leftOut: [
      ...(settings === null ? [] : [SETTINGS_LEFT_OUT]),
      ...(sessions === 0 ? [] : [SESSIONS_LEFT_OUT]),
      ...(users === 0 ? [] : [`users: ${users}; their password hashes are too weak to keep`]),
    ],
  };
}

function parseCredentials(text = "{}", appname: string): object {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError({
      what: `the document of "${appname}" in the collection "credentials" cannot be read`,
      why: (error as Error).message,
      fix: "open and deploy the flows once in the old editor, which writes it anew",
    });
  }
}

async function chooseApp(db: Db, wanted: string | undefined): Promise<string> {
  const apps = (await db.collection("flows").distinct("appname")).map(String).sort();
  if (wanted !== undefined && apps.includes(wanted)) return wanted;
  const [only] = apps;
  if (wanted === undefined && only !== undefined && apps.length === 1) return only;
  throw new CliError({
    what:
      wanted === undefined ? "several instances to choose from" : `no instance "${wanted}" there`,
    why: `the database "${db.databaseName}" has ${apps.join(", ") || "none"}`,
    fix: "--app <name> says which one",
  });
}

const withoutSlash = (path: string): string => path.replace(/^\/+/, "");
