import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { readPage, root } from '../support/docs/markdown.ts';

/** The oldest browsers of docs/frontends/browser-support.md. */
const oldest = ['chrome97', 'edge97', 'firefox104', 'safari15.4', 'ios15.4'];

/** The built client and all that it imports, as one script. esbuild rewrites syntax that `target` lacks. */
const bundle = async (
  target: string | string[],
  contents = "export * from './client/dist/index.js';",
): Promise<string> => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    write: false,
    format: 'esm',
    target,
    logLevel: 'error',
    nodePaths: [join(root, 'client/node_modules')],
  });
  return outputFiles[0]?.text ?? '';
};

/** Functions that these browsers lack. */
const newer =
  /\.(toSorted|toReversed|toSpliced|groupBy|fromAsync|withResolvers|isWellFormed|toWellFormed|canParse|throwIfAborted|getSetCookie)\(|\b(AbortSignal\.(any|timeout|abort)|Response\.json|Promise\.try|RegExp\.escape|structuredClone|URLPattern|DisposableStack|Iterator\.)/g;
const newerIn = (code: string): string[] => code.match(newer) ?? [];

describe('the built client, with tRPC and superjson', () => {
  it('has no syntax that the oldest supported browsers lack', async () => {
    expect(await bundle(oldest)).toBe(await bundle('esnext'));
  });

  it('calls no function that the oldest supported browsers lack', async () => {
    expect(newerIn(await bundle('esnext'))).toEqual([]);
  });

  it('supports the browsers that docs/frontends/browser-support.md names', () => {
    const { text } = readPage('docs/frontends/browser-support.md');
    expect(text).toContain('Chrome and Edge 97, Firefox 104, Safari and iOS 15.4, and newer.');
  });

  it('would be found out with newer syntax and functions', async () => {
    const code =
      'export const f = () => { using a = g(); return [].toSorted(AbortSignal.timeout(1)); }; const g = () => null;';
    expect(await bundle(oldest, code)).not.toBe(await bundle('esnext', code));
    expect(newerIn(code)).toEqual(['.toSorted(', 'AbortSignal.timeout']);
  });
});
