import { killAll } from "./exec.ts";

const POLL = 500;

/**
 * Ends this process when the one that started it is gone (kill -9 of the command): nobody would read
 * the rest, and the next run recovers. The launcher in cli/bin never ends before its child.
 */
export function endWithParent(): void {
  const parent = process.ppid;
  const check = () => {
    if (process.ppid === parent) return;
    killAll();
    process.exit(1);
  };
  setInterval(check, POLL).unref();
}
