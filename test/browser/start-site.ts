import { existsSync, readFileSync } from 'node:fs';
import { createServer, request as sendRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClock, startApp, type StartAppOptions } from '../support/app/start-app.ts';
import { bundleSource } from '../support/page/bundle-source.ts';

let bundled: Promise<string> | null = null;

/** The script of the page, bundled once for all sites of a test file. */
const bundlePage = (): Promise<string> =>
  (bundled ??= bundleSource({ entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))], format: 'iife' }));

const pageHtml = '<!doctype html><title>Tickets</title><script src="/page.js"></script>';

export type StartSiteOptions = Pick<StartAppOptions, 'dialect' | 'authService' | 'liveLimits'> & {
  env?: Record<string, string>;
  /** Other pages, by their path. */
  pages?: Record<string, string>;
  /** A built frontend, which is served instead of the test page. */
  folder?: string;
};

const contentTypes: Readonly<Record<string, string>> = { html: 'text/html', js: 'text/javascript', css: 'text/css' };

/** A file of a built frontend. Other paths are the frontend's index.html. */
const serveFile = (folder: string, pathname: string, response: ServerResponse) => {
  const name = /^\/[\w./-]+\.\w+$/.test(pathname) && existsSync(join(folder, pathname)) ? pathname : 'index.html';
  response.setHeader('content-type', contentTypes[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream');
  response.end(readFileSync(join(folder, name)));
};

/**
 * A frontend's server: the page, and the BFF under /trpc. It accepts every host name that resolves to this machine,
 * such as `tts.app.localhost`. The test advances its clock.
 */
export const startSite = async ({ env, pages = {}, folder, ...options }: StartSiteOptions = {}) => {
  const clock = createClock();
  const app = await startApp({ now: clock.now, env: { COOKIE_SECURE: 'false', ...env }, ...options });
  const script = folder === undefined ? await bundlePage() : '';
  /** The procedure paths of all requests, in order. */
  const requestedPaths: string[] = [];
  /** The response statuses, in order. */
  const statuses: number[] = [];

  /** Streams of events that are open. */
  let openStreams = 0;

  const forward = (request: IncomingMessage, response: ServerResponse) => {
    const { method, headers, url = '' } = request;
    requestedPaths.push(url.replace(/^\/trpc\/|\?.*$/g, ''));
    const forwarded = sendRequest(new URL(url, app.url), { method, headers }, (answer) => {
      statuses.push(answer.statusCode ?? 502);
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      if (answer.headers['content-type'] === 'text/event-stream') {
        openStreams += 1;
        response.once('close', () => {
          openStreams -= 1;
          forwarded.destroy();
        });
      }
      answer.pipe(response);
    });
    forwarded.once('error', () => response.destroy());
    request.pipe(forwarded);
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname.startsWith('/trpc/')) return forward(request, response);
    if (folder !== undefined) return serveFile(folder, pathname, response);
    const isScript = pathname === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : (pages[pathname] ?? pageHtml));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://localhost:${port}/`,
    urlOf: (host: string) => `http://${host}:${port}/`,
    authService: app.authService,
    requestedPaths,
    openStreams: () => openStreams,
    statuses,
    advance: clock.advance,
    /** Advances the clock so that all access tokens expire. */
    expire: () => clock.advance(901_000),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
      await app[Symbol.asyncDispose]();
    },
  };
};

export type Site = Awaited<ReturnType<typeof startSite>>;
