/** What the server's error codes say. */
import { MongoServerError } from "mongodb";

const hasCode =
  (code: number) =>
  (error: unknown): boolean =>
    error instanceof MongoServerError && error.code === code;

export const isDuplicateKey = hasCode(11000);
export const isNamespaceTaken = hasCode(48);
export const isIndexConflict = hasCode(85);
