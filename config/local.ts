/** Folder of what belongs to a stack on this machine and to no resource, from the clone; git-ignored. */
export const localPath = (stack: string): string => `.redfleet/${stack}`;

/** Copy of the certificate of the platform's own CA, from the clone: for whoever shall trust it. */
export const caPath = (stack: string): string => `${localPath(stack)}/ca.crt`;
