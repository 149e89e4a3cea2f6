/** A mistake in the words of a command. */
export class UsageError extends Error {}

/** Runs a command; a mistake in its words is told in one line and ends with code 2. */
export async function answered(command: () => Promise<number | undefined>): Promise<number> {
  try {
    return (await command()) ?? 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`error: ${error.message}`);
    return 2;
  }
}
