import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Runs files in the order of their paths: the end-to-end files build on one running stack. */
class PathSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return [...files].sort((a, b) => a.moduleId.localeCompare(b.moduleId));
  }
}

export default defineConfig({
  test: {
    dir: "test",
    include: ["**/*.test.ts"],
    pool: "forks",
    allowOnly: false,
    sequence: { sequencer: PathSequencer },
  },
});
