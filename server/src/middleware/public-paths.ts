const decode = (segment: string): string | null => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
};

/** Whether a segment means the same to whoever decodes it once, twice or not at all, and whoever trims it. */
const isPlainSegment = (segment: string): boolean => {
  const decoded = decode(segment);
  return decoded !== null && !/^\.{0,2}$/.test(decoded.trim()) && !/[/\\%;?#\p{Cc}]/u.test(decoded);
};

/**
 * Whether every router and proxy reads this path alike. Dot segments, empty segments, encoded slashes and the like are
 * read as one path by one and as another by the next, so that a path that looks public may lead elsewhere.
 */
const isPlainPath = (path: string): boolean => {
  const [root, ...segments] = path.split('/');
  // A slash at the end leaves an empty segment, which is none.
  if (segments.at(-1) === '') segments.pop();
  return root === '' && segments.every(isPlainSegment);
};

const checkPrefix = (prefix: unknown): void => {
  // Of '' and '/' everything would be public.
  if (typeof prefix === 'string' && /^\/[^/?#][^?#]*$/.test(prefix) && isPlainPath(prefix)) return;
  throw new TypeError(
    `publicPrefixes: ${JSON.stringify(prefix)} is no prefix of plain segments; expected one such as /public/`,
  );
};

export type PublicPaths = (target: string) => boolean;

/**
 * Whether a request target lies under one of the prefixes, segment by segment: `/public` is itself and what is under it,
 * `/public/` only what is under it, `/public-but-not` is neither's. A path that can be read in two ways never does.
 * Throws TypeError where a prefix is not a path of plain segments, or is all paths.
 */
export const createPublicPaths = (prefixes: readonly string[]): PublicPaths => {
  if (!Array.isArray(prefixes)) throw new TypeError('publicPrefixes: expected a list of prefixes such as /public/');
  for (const prefix of prefixes) checkPrefix(prefix);
  // A copy, so that nobody opens more later.
  const [...all]: string[] = prefixes;
  return (target) => {
    const [path = ''] = target.split('?', 1);
    return (
      all.some((prefix) => path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)) &&
      isPlainPath(path)
    );
  };
};
