/**
 * The beginning of a path that may stand in the log and in an error: names, dots, commas and slashes. What comes behind may be an input
 * whose question mark somebody left out or encoded, and inputs hold passwords.
 */
export const safePath = (text: string): string => /^[\w.,/-]*/.exec(text)?.[0].slice(0, 200) ?? '';
