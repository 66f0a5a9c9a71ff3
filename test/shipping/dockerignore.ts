const special = /[\\^$.+()|{}[\]]/g;

/** `*` and `?` stop at a slash; `**` stands for any number of folders. */
const toPattern = (glob: string): RegExp => {
  const source = glob
    .split('/')
    .map((part) =>
      part === '**' ? part : part.replace(special, '\\$&').replaceAll('*', '[^/]*').replaceAll('?', '[^/]'),
    )
    .join('/')
    .replaceAll('**/', '(?:.*/)?')
    .replace(/\*\*$/, '.*');
  return new RegExp(`^${source}$`);
};

/**
 * Tells what a .dockerignore keeps from a build: the last line that matches the path, or a folder that it is in, decides.
 * Source: docs.docker.com, "Build context", ".dockerignore files".
 */
export const createIgnore = (text: string) => {
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const isException = line.startsWith('!');
      const glob = line.slice(isException ? 1 : 0).replace(/^\/+|\/+$/g, '');
      if (/[[\\]/.test(glob)) throw new Error(`.dockerignore: cannot read "${line}".`);
      return { isException, pattern: toPattern(glob) };
    });
  /** `path`: relative to the context. */
  return (path: string): boolean => {
    const parts = path.split('/');
    const paths = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
    const last = rules.findLast(({ pattern }) => paths.some((one) => pattern.test(one)));
    return last !== undefined && !last.isException;
  };
};

export type Ignore = ReturnType<typeof createIgnore>;
