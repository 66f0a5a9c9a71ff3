const decode = (segment: string): string | null => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
};

/** Whether a segment means the same if it is decoded once, twice or not at all, or trimmed. */
const isPlainSegment = (segment: string): boolean => {
  const decoded = decode(segment);
  return decoded !== null && !/^\.{0,2}$/.test(decoded.trim()) && !/[/\\%;?#\p{Cc}]/u.test(decoded);
};

/**
 * Whether all routers and proxies interpret the path in the same way. They differ on dot segments, empty segments and
 * encoded slashes, so a path that looks public may be routed to a protected handler.
 */
const isPlainPath = (path: string): boolean => {
  const [root, ...segments] = path.split('/');
  // A trailing slash leaves an empty segment, which is allowed.
  if (segments.at(-1) === '') segments.pop();
  return root === '' && segments.every(isPlainSegment);
};

const checkPrefix = (prefix: unknown): void => {
  // '' and '/' would make everything public.
  if (typeof prefix === 'string' && /^\/[^/?#][^?#]*$/.test(prefix) && isPlainPath(prefix)) return;
  throw new TypeError(
    `publicPrefixes: ${JSON.stringify(prefix)} is not a prefix of plain segments; expected one such as /public/`,
  );
};

export type PublicPaths = (target: string) => boolean;

/**
 * Whether a request target is under one of the prefixes, by segments: `/public` covers itself and everything below,
 * `/public/` only everything below, and neither covers `/public-but-not`. An ambiguous path is never public. Throws
 * TypeError if a prefix is not a path of plain segments, or covers all paths.
 */
export const createPublicPaths = (prefixes: readonly string[]): PublicPaths => {
  if (!Array.isArray(prefixes)) throw new TypeError('publicPrefixes: expected an array of prefixes such as /public/');
  for (const prefix of prefixes) checkPrefix(prefix);
  // A copy: later changes of the array have no effect.
  const [...all]: string[] = prefixes;
  return (target) => {
    const [path = ''] = target.split('?', 1);
    return (
      all.some((prefix) => path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)) &&
      isPlainPath(path)
    );
  };
};
