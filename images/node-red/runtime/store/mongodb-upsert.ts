/** One document that whoever comes first makes. */
import type {
  Collection,
  Document,
  Filter,
  UpdateFilter,
  WithId,
  WriteConcernSettings,
} from "mongodb";
import { isDuplicateKey } from "./mongodb-errors.ts";

/**
 * Makes a document or changes it, in one step.
 * @param filter its `_id`.
 * @param change stages of a pipeline, or operators.
 * @param writeConcern Default: the database's.
 * @returns what it is then.
 */
export async function upsert<T extends Document>(
  collection: Collection<T>,
  filter: Filter<T>,
  change: UpdateFilter<T> | Document[],
  writeConcern?: WriteConcernSettings,
): Promise<WithId<T>> {
  const make = () =>
    collection.findOneAndUpdate(filter, change, {
      ...{ upsert: true, returnDocument: "after" },
      ...(writeConcern && { writeConcern }),
    });
  const found = await make().catch((error) => {
    // Two made the document at once: now it is there.
    if (isDuplicateKey(error)) return make();
    throw error;
  });
  if (found === null) throw new Error(`no document was made in ${collection.collectionName}`);
  return found;
}
