import type { Reading } from './parse.ts';

/** What every key in Redis begins with, unless `REDIS_PREFIX` says otherwise. */
export const defaultRedisPrefix = 'auth-bff:';

/** Braces are left out: they mark the part of a key that decides on which node of a cluster it lies. */
const allowed = /^[\w.:/-]{1,64}$/;

/** Reads `REDIS_PREFIX`. */
export const readRedisPrefix = (text: string): Reading<string> =>
  allowed.test(text)
    ? { value: text }
    : { fault: 'expected 1 to 64 letters, digits and any of : . _ / -, such as auth-bff-staging:' };
