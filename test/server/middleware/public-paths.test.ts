import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPublicPaths } from '../../../server/middleware/src/public-paths.ts';

describe('public paths', () => {
  const isPublic = createPublicPaths(['/public/', '/health', '/docs/v1']);

  it('are those under a prefix, and the prefix itself if it does not end with a slash', () => {
    const asked = [
      '/public/',
      '/public/a',
      '/public',
      '/health',
      '/health/',
      '/health/live',
      '/docs',
      '/docs/v1/a',
      '/docs/v10',
    ];
    expect(asked.filter(isPublic)).toEqual([
      '/public/',
      '/public/a',
      '/health',
      '/health/',
      '/health/live',
      '/docs/v1/a',
    ]);
  });

  it('may contain names that need encoding', () => {
    expect(isPublic('/public/caf%C3%A9%20menu.pdf?page=2#top')).toBe(true);
    expect(isPublic("/public/~a_b-c.d!$&'()*+,=:@/...")).toBe(true);
  });

  it('do not change when their source list does', () => {
    const prefixes = ['/public/'];
    const isStillPublic = createPublicPaths(prefixes);
    prefixes.push('/secret/');
    expect(isStillPublic('/secret/a')).toBe(false);
  });

  it('are public in every interpretation: resolved, decoded once or twice, merged, trimmed', () => {
    const pieces = `/ // \\ . .. ; # ? % 25 %25 2e 2f %2f %2F %2e %2E%2e %252e %252e%252e %252f %5c %255c %00 %20 %c0%ae
      %u002e a public /public/ secret /secret /../secret`.split(/\s+/);
    const paths = fc
      .array(fc.constantFrom(...pieces, ' ', '\t', '\u00a0'), { maxLength: 8 })
      .map((parts) => `/public/${parts.join('')}`);
    const decoded = (path: string) => {
      try {
        return decodeURIComponent(path);
      } catch {
        return path;
      }
    };
    const readings: Array<(path: string) => string> = [
      (path) => path,
      (path) => new URL(path, 'http://host').pathname,
      (path) => new URL(decoded(path), 'http://host').pathname,
      (path) => new URL(decoded(decoded(path)), 'http://host').pathname,
      (path) => new URL(decoded(path).replaceAll('\\', '/').replaceAll(/\/+/g, '/'), 'http://host').pathname,
      (path) => new URL(decoded(path).split(';')[0] ?? '', 'http://host').pathname,
    ];
    let seen = 0;
    fc.assert(
      fc.property(paths, (path) => {
        fc.pre(isPublic(path));
        seen += 1;
        for (const read of readings) expect(read(path.split('?')[0] ?? '')).toMatch(/^\/public\//);
      }),
      { numRuns: 2000, maxSkipsPerRun: 1000 },
    );
    expect(seen).toBe(2000);
  });
});
