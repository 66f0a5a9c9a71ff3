import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { createClock, startApp } from '../support/start-app.ts';

const bundlePage = async (): Promise<string> => {
  const entry = fileURLToPath(new URL('page.ts', import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    conditions: ['source'],
    format: 'iife',
    target: 'es2022',
    logLevel: 'error',
  });
  return outputFiles[0]?.text ?? '';
};

/** One origin, as a frontend's own server makes it: the page, and the BFF under /trpc. By a clock that the test moves. */
export const startSite = async () => {
  const clock = createClock();
  const app = await startApp({ now: clock.now, env: { COOKIE_SECURE: 'false' } });
  const script = await bundlePage();
  /** Paths that the BFF was asked for, in their order. */
  const asked: string[] = [];

  const forward = (request: IncomingMessage, response: ServerResponse) => {
    const { method, headers, url = '' } = request;
    asked.push(url.replace(/^\/trpc\/|\?.*$/g, ''));
    const forwarded = ask(new URL(url, app.url), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.once('error', () => response.destroy());
    request.pipe(forwarded);
  };
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/trpc/') === true) return forward(request, response);
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<!doctype html><title>Tickets</title><script src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    authService: app.authService,
    asked,
    /** The access tokens of everybody expire. */
    expire: () => clock.advance(901_000),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
      await app[Symbol.asyncDispose]();
    },
  };
};

export type Site = Awaited<ReturnType<typeof startSite>>;
