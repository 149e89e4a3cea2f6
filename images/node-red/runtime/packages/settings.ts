/** What Node-RED's settings say about modules. */
import { readdirSync } from "node:fs";
import type { Role } from "../environment.ts";
import { moduleName, type PackagesConfig } from "./environment.ts";

/**
 * An allow list alone lets everything pass that no deny list names, so the last word of the deny list is
 * "everything"; Node-RED asks for the first entry that fits, and the more exact one of both lists wins.
 */
function palette(allow: readonly string[], deny: readonly string[], own: readonly string[]) {
  const all = allow.includes("*");
  if (all && deny.length === 0) return {};
  return {
    allowList: [...own, ...allow],
    denyList: all ? deny : [...deny, "*"],
  };
}

/** Settings of a process. `ownFolder` holds the platform's own packages, which always load. */
export function moduleSettings(role: Role, config: PackagesConfig, ownFolder: string) {
  const { allow, deny } = config.palette;
  const installs = role !== "replica" && allow.length > 0;
  const modules = config.functionModules;
  return {
    functionExternalModules: modules.length > 0,
    externalModules: {
      autoInstall: false,
      palette: {
        allowInstall: installs,
        allowUpdate: installs,
        allowUpload: false,
        ...palette(allow, deny, [...readdirSync(ownFolder), ...config.modules.map(moduleName)]),
      },
      modules: {
        // A replica has what the editor installed.
        allowInstall: role !== "replica" && modules.length > 0,
        ...palette(modules, [], []),
      },
    },
  };
}
