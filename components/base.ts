import * as pulumi from "@pulumi/pulumi";
import type { Token } from "./tokens.ts";

/**
 * The one shape of a component: a constructor that reads as its table of contents, children named after
 * it, outputs registered last. Its arguments stay out of the state, where they would be readable.
 */
export abstract class PlatformComponent extends pulumi.ComponentResource {
  constructor(token: Token, name: string, opts: pulumi.ComponentResourceOptions) {
    super(token, name, {}, opts);
  }
}
