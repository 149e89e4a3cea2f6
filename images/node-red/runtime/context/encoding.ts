/** The form of values in the store: JSON, compressed when that makes it smaller. */
import { gunzipSync, gzipSync } from "node:zlib";

/** From here on it pays to compress, in characters. */
const COMPRESS_FROM = 1024;
/** First bytes of a gzip file; JSON never starts with them. */
const GZIP = [0x1f, 0x8b];

/** What the store is given. Text stays text: a call without bytes is put together faster. */
export type Encoded = string | Buffer;

/** The form of a value. @throws for what JSON cannot hold: circular values, BigInt, functions. */
export function encode(value: unknown): Encoded {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`a ${typeof value} cannot be stored`);
  if (text.length < COMPRESS_FROM) return text;
  const packed = gzipSync(text, { level: 1 });
  return packed.length < Buffer.byteLength(text) ? packed : text;
}

/** The value of what {@link encode} gave, or of the bytes that the store has of it. */
export function decode(encoded: Encoded): unknown {
  if (typeof encoded === "string") return JSON.parse(encoded);
  const packed = encoded[0] === GZIP[0] && encoded[1] === GZIP[1];
  return JSON.parse((packed ? gunzipSync(encoded) : encoded).toString());
}
