#!/usr/bin/env node
// `npx pulumi …` in this clone: the real command with the clone's state, passphrase and plugins.
import { launch } from "./launcher.mjs";

await launch("cli/pulumi/main.ts", process.argv.slice(2));
