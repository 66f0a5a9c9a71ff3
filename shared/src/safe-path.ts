/**
 * The prefix of a path that may appear in logs and errors: names, dots, commas and slashes. The rest may be an input whose
 * question mark is missing or encoded, and inputs contain passwords.
 */
export const safePath = (text: string): string => /^[\w.,/-]*/.exec(text)?.[0].slice(0, 200) ?? '';
