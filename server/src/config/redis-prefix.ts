import type { Parsed } from './parse.ts';

export const defaultRedisPrefix = 'auth-bff:';

/** Excludes braces: in a cluster, they mark the part of a key that determines its node. */
const allowed = /^[\w.:/-]{1,64}$/;

/** REDIS_PREFIX, with which every key in Redis begins. */
export const parseRedisPrefix = (text: string): Parsed<string> =>
  allowed.test(text)
    ? { value: text }
    : { fault: 'expected 1 to 64 letters, digits and any of : . _ / -, such as auth-bff-staging:' };
