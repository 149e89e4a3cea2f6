import { readBases } from "./components/images/bases.ts";
import { Platform } from "./components/platform.ts";
import { DockerTarget } from "./components/target/docker/target.ts";
import { loadStackConfig } from "./config/load.ts";

const { stack, platform: config, socket, secret } = loadStackConfig();
const target = new DockerTarget({ path: socket });
const { outputs } = new Platform(stack, { target, config, secret, bases: readBases() });

export const { domain, httpsPort, clusters, tenants, passwords, next } = outputs;
