import { join } from 'node:path';
import { createBrowser } from '../../support/app/browser.ts';
import { createClock, startApp } from '../../support/app/start-app.ts';
import { freePort, runProgram } from '../../support/processes/run-process.ts';
import { createPacking } from '../packing.ts';
import { filesInDocs, writeFiles } from '../docs-app.ts';

const tsconfig = {
  compilerOptions: {
    strict: true,
    noEmit: true,
    target: 'es2022',
    lib: ['dom', 'dom.iterable', 'es2023'],
    module: 'esnext',
    moduleResolution: 'bundler',
    jsx: 'react-jsx',
    esModuleInterop: true,
    isolatedModules: true,
    resolveJsonModule: true,
    skipLibCheck: true,
    allowJs: true,
    incremental: true,
    plugins: [{ name: 'next' }],
  },
  include: ['**/*.ts', '**/*.tsx', '.next/types/**/*.ts'],
  exclude: ['node_modules'],
};

/** The application of docs/frontends/next.md with the packed client, built and started by Next before a real BFF. */
export const startNextApp = async () => {
  const packing = createPacking('client');
  const folder = await packing.project('next-app', [
    'next@16',
    'react@19',
    'react-dom@19',
    '@types/react@19',
    '@types/node@20',
    'typescript@5.9',
    '@tanstack/react-query@5',
    '@trpc/tanstack-react-query@11.22.1',
    'superjson@2',
  ]);
  writeFiles(folder, filesInDocs('docs/frontends/next.md'));
  writeFiles(folder, new Map([['tsconfig.json', JSON.stringify(tsconfig)]]));

  const clock = createClock();
  const bff = await startApp({ now: clock.now, env: { COOKIE_SECURE: 'false', TRUST_PROXY: 'loopback' } });
  const next = (args: string[]) =>
    runProgram({
      program: process.execPath,
      args: [join(folder, 'node_modules/next/dist/bin/next'), ...args],
      cwd: folder,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: folder,
        NODE_ENV: 'production',
        NEXT_TELEMETRY_DISABLED: '1',
        BFF_URL: bff.url,
      },
    });
  const build = next(['build']);
  if ((await build.exited) !== 0) throw new Error(`next build failed:\n${build.output()}`);

  const port = await freePort();
  const server = next(['start', '--hostname', '127.0.0.1', '--port', String(port)]);
  await server.printed(/Ready in/);
  const url = `http://localhost:${port}`;

  return {
    bff,
    clock,
    url,
    buildOutput: build.output(),
    serverOutput: server.output,
    /** A browser without scripts that is signed in as John. */
    openSignedIn: async () => {
      const browser = createBrowser({ url });
      browser.holdTokens(await bff.authService.issue({ type: 'staff', id: 123 }));
      return browser;
    },
    openVisitor: () => createBrowser({ url }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await bff[Symbol.asyncDispose]();
      packing[Symbol.dispose]();
    },
  };
};

export type NextApp = Awaited<ReturnType<typeof startNextApp>>;
