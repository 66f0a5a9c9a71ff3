import { readRedisTls } from '../platform/redis/redis-tls.ts';
import { parseRedisUrl } from '../platform/redis/redis-url.ts';
import type { Parsed } from './parse.ts';

/** REDIS_URL, unchanged if it and the files that it names are valid. */
export const checkRedisUrl = (text: string): Parsed<string> => {
  const parsed = parseRedisUrl(text);
  if ('fault' in parsed) return parsed;
  const contents = readRedisTls(parsed.value.tlsFiles);
  return 'fault' in contents ? contents : { value: text };
};
