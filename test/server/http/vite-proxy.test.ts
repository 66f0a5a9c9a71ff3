import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'vite';
import { describe, expect, it } from 'vitest';
import { johnsCredentials } from '../../support/app/people.ts';
import { askRaw, errorOf, postHeaders, resultOf, written } from '../../support/app/raw-request.ts';
import { startApp } from '../../support/app/start-app.ts';
import { codeBlocksIn, readPage, root } from '../../support/docs/markdown.ts';

const bffInDocs = 'http://localhost:4000';
const recipe =
  codeBlocksIn(readPage('docs/frontends/other-origins.md')).find(({ code }) => code.includes("from 'vite'"))?.code ??
  'no recipe';
const body = written(johnsCredentials);

/** A BFF, and Vite's own development server in front of it. The file is a vite.config.ts; `bffInDocs` becomes the BFF's URL. */
const startVite = async (file: string) => {
  const app = await startApp({ env: { COOKIE_SECURE: 'false' } });
  // In the repository, so that the file finds Vite.
  await mkdir(`${root}test/.snippets/`, { recursive: true });
  const folder = await mkdtemp(`${root}test/.snippets/vite-`);
  const configFile = `${folder}/vite.config.ts`;
  await writeFile(configFile, file.replaceAll(bffInDocs, app.url));
  const server = await createServer({
    root: folder,
    configFile,
    logLevel: 'silent',
    server: { host: '127.0.0.1', port: 0 },
  });
  await server.listen();
  const port = Number(new URL(server.resolvedUrls?.local[0] ?? '').port);
  return {
    app,
    url: `http://127.0.0.1:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      await server.close();
      await rm(folder, { recursive: true });
      await app[Symbol.asyncDispose]();
    },
  };
};

/** As a browser sends it from a page of this host: without Sec-Fetch-Site if the page has a LAN address and no https. */
const signInFrom = (url: string, host: string, headers: Record<string, string> = {}) =>
  askRaw(url, {
    method: 'POST',
    target: '/trpc/session.login',
    headers: { ...postHeaders, host, origin: `http://${host}`, ...headers },
    body,
  });

describe('the Vite proxy of docs/frontends/other-origins.md', () => {
  it.each([
    ['an IPv4 address of the LAN', (port: number) => `192.168.7.7:${port}`, {}],
    ['an IPv6 address of the LAN', (port: number) => `[fd00::2]:${port}`, {}],
    ['localhost', (port: number) => `localhost:${port}`, { 'sec-fetch-site': 'same-origin' }],
  ])('lets a page sign in that is opened by %s', async (_name, toHost, headers) => {
    await using vite = await startVite(recipe);
    const host = toHost(vite.port);
    const signedIn = await signInFrom(vite.url, host, headers);
    expect(resultOf(signedIn)).toMatchObject({ status: 'signed_in' });
    const cookie = signedIn.setCookies.map((line) => line.split(';', 1)[0]).join('; ');
    // Without Origin, as browsers send a query to the page's own origin.
    const me = await askRaw(vite.url, { target: '/trpc/session.me', headers: { host, cookie, ...headers } });
    expect(resultOf(me)).toMatchObject({ user: { id: 123 } });
  });

  it('forwards /bff, too', async () => {
    await using vite = await startVite(recipe);
    const headers = { host: `192.168.7.7:${vite.port}`, 'x-request-id': 'asked-by-the-page' };
    const answer = await askRaw(vite.url, { target: '/bff/docs', headers });
    expect(answer.headers['x-request-id']).toBe('asked-by-the-page');
  });

  it.each([
    ['another origin', { origin: 'http://evil.example' }],
    ['another port of the same machine', { origin: 'http://192.168.7.7:3000' }],
    ['a page that the browser calls cross-site', { 'sec-fetch-site': 'cross-site' }],
  ])('does not let %s sign in', async (_name, headers) => {
    await using vite = await startVite(recipe);
    const answer = await signInFrom(vite.url, `192.168.7.7:${vite.port}`, headers);
    expect(errorOf(answer).reason).toBe('csrf');
    expect(answer.setCookies).toEqual([]);
  });

  it('does not let a page sign in whose name was rebound to this machine', async () => {
    await using vite = await startVite(recipe);
    const answer = await signInFrom(vite.url, `evil.example:${vite.port}`);
    // Vite rejects unknown host names before it forwards anything.
    expect(answer.status).toBe(403);
    expect(answer.setCookies).toEqual([]);
    expect(vite.app.authService.count()).toBe(0);
  });

  it('is needed: the short form is csrf from a LAN address, and the message names the remedy', async () => {
    const short = `export default { server: { proxy: { '/trpc': '${bffInDocs}' } } };`;
    await using vite = await startVite(short);
    const { reason, message } = errorOf(await signInFrom(vite.url, `192.168.7.7:${vite.port}`));
    expect(reason).toBe('csrf');
    expect(message).toContain(`origin http://192.168.7.7:${vite.port} of the page`);
    expect(message).toContain(`host ${new URL(vite.app.url).host} of the request`);
    expect(message).toContain('Vite: changeOrigin: false');
  });
});
