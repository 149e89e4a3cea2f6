import { dirname, resolve } from "node:path";

/** Folder of what belongs to a stack on this machine and to no resource, from the clone; git-ignored. */
export const localPath = (stack: string): string => `.redfleet/${stack}`;

/** Copy of the certificate of the platform's own CA, from the clone: for whoever shall trust it. */
export const caPath = (stack: string): string => `${localPath(stack)}/ca.crt`;

/** The file or folder that a path in a stack file names: below the project, wherever it is read from, or absolute. */
export const projectPath = (path: string): string => resolve(dirname(import.meta.dirname), path);
