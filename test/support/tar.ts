const BLOCK = 512;

/** A file for an archive that is copied into a container. */
export interface TarFile {
  readonly name: string;
  readonly content: string | Buffer;
  /** Numeric user and group that own it. */
  readonly owner: number;
  /** Default 0400. */
  readonly mode?: number;
}

/** A tar archive (ustar) of small files, as the engine takes it for a copy into a container. */
export function tar(files: readonly TarFile[]): Buffer {
  const end = Buffer.alloc(2 * BLOCK);
  return Buffer.concat([...files.flatMap((file) => [header(file), body(file.content)]), end]);
}

function header({ name, content, owner, mode = 0o400 }: TarFile): Buffer {
  if (Buffer.byteLength(name) > 100) throw new Error(`the path ${name} is too long for an archive`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  block.write(name, 0, 100);
  block.write(octal(mode, 7), 100);
  block.write(octal(owner, 7), 108);
  block.write(octal(owner, 7), 116);
  block.write(octal(Buffer.byteLength(content), 11), 124);
  block.write(octal(0, 11), 136);
  block.write(" ".repeat(8), 148);
  block.write("0", 156);
  block.write("ustar\0" + "00", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function body(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);
}
