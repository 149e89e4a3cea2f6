/** What a backup and its restoring do to a store, without the programs for it. */
import type { Redis } from "ioredis";
import type { Db, Document } from "mongodb";

/** Notes all of a database; the answer puts it back. */
export async function snapshotDatabase(db: Db): Promise<() => Promise<void>> {
  const noted = new Map<string, Document[]>();
  for (const collection of await db.collections()) {
    noted.set(collection.collectionName, await collection.find().toArray());
  }
  return async () => {
    for (const collection of await db.collections()) {
      const documents = noted.get(collection.collectionName) ?? [];
      await collection.deleteMany({ _id: { $nin: documents.map(({ _id }) => _id) } });
      // Workers write their own records meanwhile.
      for (const document of documents) {
        await collection.replaceOne({ _id: document._id }, document, { upsert: true });
      }
    }
  };
}

/** Notes all keys with a prefix; the answer puts them back. */
export async function snapshotKeys(client: Redis, prefix: string): Promise<() => Promise<void>> {
  const keys = () => client.keys(`${prefix}*`);
  const noted = await Promise.all(
    (await keys()).map(async (key) => [key, await client.dumpBuffer(key)] as const),
  );
  return async () => {
    const chain = client.multi();
    for (const key of await keys()) chain.del(key);
    for (const [key, bytes] of noted) if (bytes) chain.restore(key, 0, bytes);
    await chain.exec();
  };
}
