import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { root } from '../../support/processes/run-process.ts';

export type ClientSize = { minified: number; gzipped: number };

/** The code of a frontend without this package: plain tRPC with superjson. */
const trpcAlone = `import { createTRPCClient, httpBatchLink } from '@trpc/client';
import superjson from 'superjson';
export const trpc = createTRPCClient({ links: [httpBatchLink({ url: '/trpc', transformer: superjson })] });`;

const withOurs = `import { createAuthClient } from '@auth-bff/client';
export const { trpc, session } = createAuthClient({ url: '/trpc' });`;

/** The size in bytes of a module for browsers: bundled and minified, and gzipped. */
const sizeOf = async (code: string): Promise<ClientSize> => {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: join(root, 'client') },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'error',
  });
  const [{ contents } = { contents: new Uint8Array() }] = outputFiles;
  return { minified: contents.length, gzipped: gzipSync(contents, { level: 9 }).length };
};

/**
 * Measures the bytes that the built client adds to a page with plain tRPC, and prints three lines. Throws without a build
 * (`npm run build`).
 */
export const measureClientSize = async (
  print: (line: string) => void = (line) => process.stdout.write(`${line}\n`),
) => {
  if (!existsSync(join(root, 'client/dist/index.js'))) throw new Error('The client is not built. Run npm run build.');
  const alone = await sizeOf(trpcAlone);
  const ours = await sizeOf(withOurs);
  const more = { minified: ours.minified - alone.minified, gzipped: ours.gzipped - alone.gzipped };
  const line = (name: string, { minified, gzipped }: ClientSize) =>
    print(`${name.padEnd(46)} ${String(minified).padStart(7)} B minified ${String(gzipped).padStart(7)} B gzipped`);
  line('createTRPCClient + httpBatchLink + superjson', alone);
  line('createAuthClient', ours);
  line('difference', more);
  return { alone, ours, more };
};
