/** Stack traces name the files that the packed one was made of. */
import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { dirname, resolve } from "node:path";

/** A packed module: number of the line before its code, its name, and the map of its code. */
export type Section = [
  before: number,
  name: string,
  map: ConstructorParameters<typeof SourceMap>[0],
];

interface Module {
  folder: string;
  before: number;
  map: SourceMap;
}

/**
 * The maps of a packed file, one a line and in its order. A process ever needs few of them, if any, and for a moment:
 * some take megabytes.
 */
class Origins {
  private readonly file: string;
  private readonly starts: number[];
  private readonly modules = new Map<number, WeakRef<Module>>();

  constructor(file: string) {
    this.file = file;
    this.starts = this.read().map((section) => Number.parseInt(section.slice(1), 10));
  }

  /** `path:line:column`; undefined for what is between modules. */
  of(line: number, column: number): string | undefined {
    const place = this.starts.findLastIndex((start) => start < line);
    if (place < 0) return undefined;
    const { folder, before, map } = this.modules.get(place)?.deref() ?? this.open(place);
    const found = map.findOrigin(line - before, column);
    if (!("fileName" in found)) return undefined;
    return `${resolve(folder, found.fileName)}:${found.lineNumber}:${found.columnNumber}`;
  }

  private read(): string[] {
    return readFileSync(this.file, "latin1").split("\n");
  }

  private open(place: number): Module {
    const [before, name, map] = JSON.parse(this.read()[place] as string) as Section;
    const module = { folder: dirname(name), before, map: new SourceMap(map) };
    this.modules.set(place, new WeakRef(module));
    return module;
  }
}

/**
 * Sets how errors tell their stack. Code that asks for call sites sets the same hook for a moment, as ever,
 * and gets those of the packed file.
 * @param file the maps.
 */
export function tellOrigins(file: string): void {
  let origins: Origins | undefined;
  const tell = Error.prepareStackTrace as NonNullable<typeof Error.prepareStackTrace>;
  const packed = /[^\s(]+\/runtime\.pack:(\d+):(\d+)/g;
  Error.prepareStackTrace = (error, sites) =>
    String(tell(error, sites)).replace(packed, (place, line, column) => {
      try {
        origins ??= new Origins(file);
        return origins.of(Number(line), Number(column)) ?? place;
      } catch {
        // Too many open files, or no memory: the error itself must be told all the same.
        return place;
      }
    });
}
