import { z } from "zod";
import { Platform } from "./schema.ts";

const SECURE = {
  type: "object",
  description: "Encrypted by `pulumi config set --secret`.",
  properties: { secure: { type: "string" } },
  required: ["secure"],
  additionalProperties: false,
};

/**
 * JSON Schema of a whole stack file, for completion and checks in editors: ours for Redfleet's keys, and
 * what Pulumi itself writes there.
 */
export function stackFileSchema(): Record<string, unknown> {
  const { $schema, ...platform } = z.toJSONSchema(Platform, { io: "input", target: "draft-7" });
  return {
    $schema,
    title: "A Redfleet stack (Pulumi.<stack>.yaml)",
    type: "object",
    required: ["config"],
    additionalProperties: false,
    properties: {
      config: {
        type: "object",
        required: ["redfleet:platform"],
        properties: {
          "redfleet:platform": { ...platform, description: "The platform of this stack." },
          "redfleet:secrets": {
            type: "object",
            description: "Secrets by name; clusters and tenants name them in `secretEnv`.",
            additionalProperties: { anyOf: [SECURE, { type: "string" }] },
          },
        },
      },
      environment: { description: "Pulumi ESC environments." },
      secretsprovider: { type: "string", description: "Written by Pulumi." },
      encryptedkey: { type: "string", description: "Written by Pulumi." },
      encryptionsalt: { type: "string", description: "Written by Pulumi." },
    },
  };
}
