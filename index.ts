import { readBases } from "./components/images/bases.ts";
import { Platform } from "./components/platform.ts";
import { DockerTarget } from "./components/target/docker/target.ts";
import { loadStackConfig } from "./config/load.ts";
import { paceOf } from "./config/pace.ts";
import { underPolicy } from "./policy/enforce.ts";

// Pulumi keeps a stack trace for each property of each resource, and its launcher looks each frame of them up in
// source maps. There are none: Node strips types without moving anything.
Reflect.deleteProperty(Error, "prepareStackTrace");

const { stack, platform: config, socket, secret } = loadStackConfig();
const target = new DockerTarget({ path: socket });
const args = { target, config, secret, bases: readBases(), pace: paceOf(process.env) };
const { outputs } = underPolicy(config, () => new Platform(stack, args));

export const { domain, httpsPort, clusters, tenants, caFile, passwords, next } = outputs;
