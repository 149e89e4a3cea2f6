/** A container of the stack as the engine lists it. */
export interface Container {
  id: string;
  name: string;
  /** created, running, paused, restarting, removing, exited or dead. */
  state: string;
  component: string;
  /** Cluster or tenant key. */
  key: string;
  labels: Record<string, string>;
  /** Network name → the container's addresses there (empty until it runs). */
  networks: Map<string, string[]>;
}

/** A bridge network of the stack. */
export interface Network {
  id: string;
  name: string;
  component: string;
  /** The interface on the host. */
  bridge: string;
  subnets: string[];
}

/** A route record: a labelled volume that nothing ever mounts. */
export interface RouteRecord {
  name: string;
  labels: Record<string, string>;
}

/** What the engine holds of one stack. */
export interface Observed {
  containers: Container[];
  networks: Network[];
  records: RouteRecord[];
}
