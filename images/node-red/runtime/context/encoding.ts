/** The form of values in the store: JSON, compressed when that makes it smaller. */
import { gunzipSync, gzipSync } from "node:zlib";

/** From here on it pays to compress, in bytes. */
const COMPRESS_FROM = 1024;
/** First bytes of a gzip file; JSON never starts with them. */
const GZIP = [0x1f, 0x8b];

/** Bytes of a value. @throws for what JSON cannot hold: circular values, BigInt, functions. */
export function encode(value: unknown): Buffer {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`a ${typeof value} cannot be stored`);
  const plain = Buffer.from(text);
  if (plain.length < COMPRESS_FROM) return plain;
  const packed = gzipSync(plain, { level: 1 });
  return packed.length < plain.length ? packed : plain;
}

/** The value of some bytes. */
export function decode(bytes: Buffer): unknown {
  const packed = bytes[0] === GZIP[0] && bytes[1] === GZIP[1];
  return JSON.parse((packed ? gunzipSync(bytes) : bytes).toString());
}
