/** What a target can do. Validation and plans ask these constants; a target never throws later on. */
export interface TargetFeatures {
  readonly kind: "docker" | "memory";
  /** Workloads may have fixed addresses. */
  readonly fixedAddresses: boolean;
  /** Several members may be replaced one at a time without a gap. */
  readonly rollingUpdate: boolean;
}

export const DOCKER_FEATURES: TargetFeatures = {
  kind: "docker",
  fixedAddresses: true,
  rollingUpdate: false,
};

export const MEMORY_FEATURES: TargetFeatures = {
  kind: "memory",
  fixedAddresses: true,
  rollingUpdate: false,
};
