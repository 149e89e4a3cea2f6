/** Megabytes per unit. "MB" and "MiB" are both 1024 * 1024 bytes, as the engines count them. */
const MEGABYTES: Readonly<Record<string, number>> = {
  M: 1,
  MB: 1,
  MIB: 1,
  G: 1024,
  GB: 1024,
  GIB: 1024,
};

const MEMORY = /^(\d+(?:\.\d+)?)\s*(M|MB|MiB|G|GB|GiB)$/i;

/** `"512 MB"` or `"1.5 GB"` in whole megabytes; `undefined` if it is no size or has no unit. */
export function parseMemory(text: string): number | undefined {
  const match = MEMORY.exec(text.trim());
  if (!match) return undefined;
  const megabytes = Number(match[1]) * (MEGABYTES[String(match[2]).toUpperCase()] ?? 0);
  return Number.isInteger(megabytes) && megabytes > 0 ? megabytes : undefined;
}

/** Megabytes for people: `512 MB`, `2 GB`. The inverse of {@link parseMemory}. */
export function formatMemory(megabytes: number): string {
  return megabytes % 1024 === 0 ? `${megabytes / 1024} GB` : `${megabytes} MB`;
}

/** CPUs as a number; `pulumi config set` writes fractions as text, so text is taken too. */
export function parseCpus(value: string | number): number | undefined {
  const text = String(value).trim();
  if (!/^\d+(\.\d{1,3})?$/.test(text)) return undefined;
  const cpus = Number(text);
  return cpus > 0 ? cpus : undefined;
}

/** The heap that V8 may use inside a memory limit: three quarters, the rest is buffers and code. */
export function heapMegabytes(limit: number): number {
  return Math.floor(limit * 0.75);
}

/**
 * V8's semi-space inside a memory limit, in MB: a 64th, a power of two from 1 to 16 (V8's own default,
 * whatever the limit). The young generation is up to three of them, and under load it takes them all.
 */
export function semiSpaceMegabytes(limit: number): number {
  return Math.min(16, 2 ** Math.max(0, Math.floor(Math.log2(limit / 64))));
}
