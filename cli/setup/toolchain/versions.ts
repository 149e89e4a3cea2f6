import { homedir } from "node:os";
import { join } from "node:path";

/** Version of the Pulumi command line and of the npm launcher that downloads it. */
export const PULUMI = "3.259.0";

/** Version of the Node language host that can be built from Go modules (later ones are not published as such). */
export const LANGUAGE_HOST = "3.66.0";

/** Provider plugins that the program needs: those of the SDKs in package.json. */
export const PLUGINS = { docker: "5.2.0", random: "4.21.2" } as const;

/** Name of a provider plugin. */
export type PluginName = keyof typeof PLUGINS;

/**
 * Where Pulumi keeps its versions and plugins for this user. Every Pulumi process is told: left alone it asks the
 * user database instead of HOME (Go's `user.Current`), and the two differ in CI jobs and under `sudo`.
 */
export const pulumiHome = (): string => process.env.PULUMI_HOME || join(homedir(), ".pulumi");

/** Where Pulumi's npm launcher puts the command line, and looks for it. */
export const launcherDirectory = (): string => join(pulumiHome(), "versions", PULUMI, "bin");

/** Where Pulumi keeps a provider plugin. */
export const pluginDirectory = (name: PluginName): string =>
  join(pulumiHome(), "plugins", `resource-${name}-v${PLUGINS[name]}`);

/** A file beside what was built here, with the content key of its sources; the vendor's has none. */
export const KEY_FILE = "redfleet.key";
