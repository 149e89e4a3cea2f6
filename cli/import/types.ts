/** A node of a flow: a tab, subflow, config node, group or node. */
export interface FlowNode {
  id: string;
  type: string;
  [property: string]: unknown;
}

/** An entry of Node-RED's library. */
export interface LibraryEntry {
  /** `flows`, `functions`, … */
  readonly type: string;
  /** Path below the type, without a slash at its start. */
  readonly path: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** A value of a context that all workers share. */
export interface ContextValue {
  /** As Node-RED names it: `global`, the id of a tab, or `<node>:<tab>`. */
  readonly scope: string;
  /** Name at the top level of the scope. */
  readonly key: string;
  /** What JSON holds. */
  readonly value: unknown;
}

/** Credentials in clear, by node id. */
export type Credentials = Record<string, Record<string, unknown>>;

/** What another system's store holds of one Node-RED. */
export interface Found {
  /** What was recognised, for people. */
  readonly system: string;
  readonly flows: FlowNode[];
  readonly credentials: Credentials;
  readonly library: readonly LibraryEntry[];
  /** npm modules that its palette has beyond Node-RED's own, with the version asked for. */
  readonly modules: Readonly<Record<string, string>>;
  /** Values of its default context store, where all workers share that; undefined where they do not. */
  readonly sharedContext?: readonly ContextValue[];
  /** What is there and not carried over, and why. */
  readonly leftOut: readonly string[];
}

/** What a source may need to be told. */
export interface SourceOptions {
  /** Which instance, where one database holds several (hardillb). */
  readonly app?: string | undefined;
  /** Collection with the flows, where one database holds several (the HTTP scaling plugin). */
  readonly collection?: string | undefined;
  /** Name of the flow file in a user directory. */
  readonly flowFile?: string | undefined;
  /** Start of all keys in Valkey or Redis. */
  readonly prefix: string;
  /** Secret that the credentials are encrypted with, where the source itself does not hold it. */
  readonly credentialSecret?: string | undefined;
}
