/**
 * Text as the flow stores keep it: as it is when it is short, compressed when it is long. A flow set
 * of 20 MB takes about 2 MB, which fits one document and one answer of either store.
 */
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Below this the saved bytes are not worth the work. */
const LONG = 16 * 1024;
/** Largest flow set, in bytes, before compression: what an editor's heap can still turn into nodes. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;
/** 3,100 nodes: 0.6 MB to 0.12 MB in 2 ms, where gzip takes 5 ms for 0.15 MB. */
const PARAMS = { [constants.ZSTD_c_compressionLevel]: 1 };

/**
 * Largest flow set, in bytes, after compression. A document of MongoDB ends at 16 MB, and so does the
 * event that tells of its change; Valkey keeps the old one beside the new one in its memory.
 */
const MAX_PACKED_BYTES = 15 * 1024 * 1024;

/** Flows and credentials, packed. */
export interface Packed {
  flows: string | Buffer;
  credentials: string | Buffer;
}

/** The flow set is larger than the store takes. Nothing was written. */
export class FlowSetTooLarge extends Error {
  constructor(bytes: number, limit: number, form: string) {
    super(`the flows take ${bytes} bytes ${form}; the flow store holds at most ${limit}`);
    this.name = "FlowSetTooLarge";
  }
}

/**
 * Packs a flow set.
 * @throws {FlowSetTooLarge}
 */
export async function packFlowSet(set: Record<keyof Packed, string>): Promise<Packed> {
  const [flows, credentials] = await Promise.all([pack(set.flows), pack(set.credentials)]);
  const bytes = Buffer.byteLength(flows) + Buffer.byteLength(credentials);
  if (bytes > MAX_PACKED_BYTES) throw new FlowSetTooLarge(bytes, MAX_PACKED_BYTES, "compressed");
  return { flows, credentials };
}

/** Packs a text. Bytes mean that it is compressed. */
export async function pack(text: string): Promise<string | Buffer> {
  if (text.length < LONG) return text;
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_TEXT_BYTES) throw new FlowSetTooLarge(bytes, MAX_TEXT_BYTES, "as text");
  return compress(text, { params: PARAMS });
}

/** First bytes of what zstd compressed; no JSON starts with them. */
const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** The text that was packed. */
export async function unpack(packed: string | Uint8Array): Promise<string> {
  if (typeof packed === "string") return packed;
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return bytes.toString("utf8");
  return (await decompress(packed, { maxOutputLength: MAX_TEXT_BYTES })).toString("utf8");
}
