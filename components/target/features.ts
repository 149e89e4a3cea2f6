/** What a target can do. Validation and plans ask these constants; a target never throws later on. */
export interface TargetFeatures {
  readonly kind: "docker" | "memory";
  /** Workloads may have fixed addresses. */
  readonly fixedAddresses: boolean;
  /** Several members may be replaced one at a time without a gap. */
  readonly rollingUpdate: boolean;
  /** Files reach a workload through an image of its own kind (`files`). */
  readonly holdsFiles: boolean;
}

export const DOCKER_FEATURES: TargetFeatures = {
  kind: "docker",
  fixedAddresses: true,
  rollingUpdate: false,
  holdsFiles: true,
};

export const MEMORY_FEATURES: TargetFeatures = {
  kind: "memory",
  fixedAddresses: true,
  rollingUpdate: false,
  holdsFiles: false,
};
