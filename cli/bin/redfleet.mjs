#!/usr/bin/env node
import { launch } from "./launcher.mjs";

await launch("cli/main.ts", process.argv.slice(2));
