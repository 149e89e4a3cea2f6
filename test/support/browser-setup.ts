import { existsSync } from "node:fs";
import { run } from "./process.ts";

/** Where Chromium may be, first found wins. */
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const CERTUTIL = "/usr/bin/certutil";

/** Path of an installed Chromium, or undefined. */
export function chromiumPath(): string | undefined {
  return CHROMIUM.find((path) => existsSync(path));
}

/**
 * Makes sure that Chromium and `certutil` (which makes it trust a certificate authority) are
 * installed; on Debian and Ubuntu as root they are installed from the distribution.
 * @throws with what to install when it cannot do so itself.
 */
export async function ensureBrowser(): Promise<void> {
  if (chromiumPath() !== undefined && existsSync(CERTUTIL)) return;
  if (!existsSync("/usr/bin/apt-get") || process.getuid?.() !== 0) {
    throw new Error("the e2e tier needs chromium and certutil (libnss3-tools): install both");
  }
  process.stdout.write("  installing chromium and libnss3-tools\n");
  const apt = ["-o", "DPkg::Lock::Timeout=120", "-q"];
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", [...apt, "update"], { env, seconds: 120 });
  const install = ["install", "-y", "--no-install-recommends", "chromium", "libnss3-tools"];
  const code = await run("apt-get", [...apt, ...install], { env, seconds: 300 });
  if (code !== 0 || chromiumPath() === undefined) throw new Error("chromium was not installed");
}
