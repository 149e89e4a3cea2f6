/**
 * What the objects of a tenant or cluster are called for ever: containers, networks, volumes, database, user
 * and the names in the state. It is the key; an entry that got another key keeps its first one by `renamedFrom`.
 */
export function identityOf(key: string, entry: { renamedFrom?: string | undefined }): string {
  return entry.renamedFrom ?? key;
}
