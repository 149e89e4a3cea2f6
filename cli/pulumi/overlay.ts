/**
 * Pulumi keeps the salt of a stack's passphrase in the stack file. The salt belongs to this machine's
 * state and the stack file to the repository, so Pulumi works on a copy with the salt in it.
 */

const SALT = /^encryptionsalt:[ \t]*(\S+)[ \t]*\n?/m;

/** The salt in a stack file. */
export const saltOf = (text: string): string | undefined => SALT.exec(text)?.[1];

/** The text without its salt. */
export const withoutSalt = (text: string): string => text.replace(SALT, "");

/** True if a stack file holds encrypted values, which only its own salt can decrypt. */
export const hasSecrets = (text: string): boolean => /^\s+secure:/m.test(text);

/** The copy that Pulumi works on: the tracked text, with the local salt unless it has its own. */
export function overlay(tracked: string, salt: string | undefined): string {
  if (salt === undefined || saltOf(tracked) !== undefined) return tracked;
  const end = tracked === "" || tracked.endsWith("\n") ? "" : "\n";
  return `${tracked}${end}encryptionsalt: ${salt}\n`;
}

/**
 * The tracked file after Pulumi has written its copy (`config set`): the change goes back, and the
 * salt with it only when there are values that need it.
 * @returns undefined if nothing has to be written
 */
export function copyBack(tracked: string, before: string, after: string): string | undefined {
  if (after === before || withoutSalt(after) === withoutSalt(tracked)) return undefined;
  return hasSecrets(after) ? after : withoutSalt(after);
}
