/** The sign of life that the container's health check looks at: see images/node-red/health. */
import { writeFile } from "node:fs";

const FILE = "/tmp/redfleet-alive";
const INTERVAL_MS = 1000;

/** Writes the time and the process id once a second for as long as the event loop turns. */
export function startHeartbeat(): void {
  const beat = () => {
    const seconds = Math.floor(Date.now() / 1000);
    // Without a writable folder nobody watches the loop; that is no reason to stop.
    writeFile(FILE, `${seconds} ${process.pid}\n`, () => {});
  };
  beat();
  setInterval(beat, INTERVAL_MS).unref();
}
