/** A password in an address: `scheme://user:password@host`. */
const LOGIN = /([a-z][a-z\d+.-]*:\/\/[^/\s:@]*:)[^/\s@]+(?=@)/gi;

/** A text as it may be printed: no address in it keeps its password. */
export const withoutPasswords = (text: string): string => text.replace(LOGIN, "$1***");

/** True for a text with an address that holds a password. */
export const hasPassword = (text: string): boolean => text.search(LOGIN) >= 0;
