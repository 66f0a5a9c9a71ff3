import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { DemoFile } from '../../../../server/dev/desk/demo-files.ts';
import type { DemoPageState } from '../../../../server/dev/desk/demo-page.ts';
import { askRaw } from '../../../support/app/raw-request.ts';
import { sendRequest } from '../auth-service/send-request.ts';
import { startDesk, ticketsUrl } from './start-desk.ts';

const fileOf = (text: string, type: string, isHashed: boolean): DemoFile => ({
  bytes: Buffer.from(text),
  gzipped: gzipSync(text),
  type,
  isHashed,
});
const script = 'console.log("the script");';
const ready: DemoPageState = {
  state: 'ready',
  files: new Map([
    ['index.html', fileOf('<title>The desk</title>', 'text/html; charset=utf-8', false)],
    ['assets/index-a1B2c3D4.js', fileOf(script, 'text/javascript; charset=utf-8', true)],
  ]),
};
const asBrowser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('the routes of the demo page', () => {
  it('the index is served at / and at client-side routes, with no-cache', async () => {
    await using desk = await startDesk({ state: ready });
    const root = await sendRequest(`${desk.url}/`);
    expect([root.status, root.type, root.text]).toEqual([200, 'text/html; charset=utf-8', '<title>The desk</title>']);
    expect(root.headers.get('cache-control')).toBe('no-cache');
    const deeper = await sendRequest(`${desk.url}/tickets/T-1001`, { headers: asBrowser });
    expect([deeper.status, deeper.text]).toEqual([200, root.text]);
  });

  it('assets are served as immutable', async () => {
    await using desk = await startDesk({ state: ready });
    const asset = await sendRequest(`${desk.url}/assets/index-a1B2c3D4.js`);
    expect([asset.status, asset.type, asset.text]).toEqual([200, 'text/javascript; charset=utf-8', script]);
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  });

  it('files are compressed only for clients that accept gzip', async () => {
    await using desk = await startDesk({ state: ready });
    const target = '/assets/index-a1B2c3D4.js';
    const zipped = await fetch(`${desk.url}${target}`, { headers: { 'accept-encoding': 'gzip, br' } });
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    expect(zipped.headers.get('content-length')).toBe(String(gzipSync(script).length));
    expect(await zipped.text()).toBe(script);
    const plain = await askRaw(desk.url, { target, headers: { 'accept-encoding': 'gzip;q=0' } });
    expect([plain.headers['content-encoding'], plain.headers.vary, plain.body]).toEqual([
      undefined,
      'accept-encoding',
      script,
    ]);
    expect(gunzipSync(gzipSync(script)).toString()).toBe(plain.body);
  });

  it('the CSP allows only the page and the ticket service, and the other BFF headers stay', async () => {
    await using desk = await startDesk({ state: ready });
    const { headers } = await sendRequest(`${desk.url}/`);
    expect(headers.get('content-security-policy')?.split('; ')).toEqual([
      "default-src 'self'",
      `connect-src 'self' ${ticketsUrl}`,
      "style-src 'self'",
      "img-src 'self' data: blob:",
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ]);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it.each(['/trpc', '/trpc/', '/trpc/a/b', '/health', '/health/', '/dev', '/dev/nothing', '/%74rpc'])(
    'the BFF answers %s, not the page',
    async (target) => {
      await using desk = await startDesk({ state: ready });
      const answer = await askRaw(desk.url, { target, headers: asBrowser });
      expect([answer.status, answer.headers['content-security-policy']]).toEqual([
        404,
        "default-src 'none'; frame-ancestors 'none'",
      ]);
      expect(answer.body).toContain('no_such_procedure');
    },
  );

  it.each(['/assets/old-12345678.js', '/favicon.ico', '/../package.json', '/..%2f..%2fpackage.json'])(
    '%s answers 404 to a request that does not accept HTML',
    async (target) => {
      await using desk = await startDesk({ state: ready });
      expect(await askRaw(desk.url, { target, headers: { accept: '*/*' } })).toMatchObject({ status: 404 });
    },
  );

  it('a path with NUL gets 400', async () => {
    await using desk = await startDesk({ state: ready });
    const answer = await askRaw(desk.url, { target: '/index.html%00', headers: { accept: '*/*' } });
    expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('invalid_input') });
  });

  it('procedures and health checks of the BFF still answer', async () => {
    await using desk = await startDesk({ state: ready });
    expect(await sendRequest(`${desk.url}/trpc/status.get`, { headers: asBrowser })).toMatchObject({ status: 200 });
    expect(await sendRequest(`${desk.url}/health/live`, { headers: asBrowser })).toMatchObject({
      body: { status: 'ok' },
    });
    expect(await askRaw(desk.url, { method: 'POST', target: '/' })).toMatchObject({ status: 404 });
  });

  it('a page with a refresh header is shown while the build runs', async () => {
    const page: { state: DemoPageState } = { state: { state: 'building' } };
    await using desk = await startDesk(page);
    const waiting = await sendRequest(`${desk.url}/`);
    expect(waiting).toMatchObject({ status: 200, text: expect.stringContaining('being built') });
    expect([waiting.headers.get('refresh'), waiting.headers.get('cache-control')]).toEqual(['1', 'no-store']);
    expect(await sendRequest(`${desk.url}/assets/index-a1B2c3D4.js`)).toMatchObject({ status: 404 });
    page.state = ready;
    expect((await sendRequest(`${desk.url}/`)).text).toBe('<title>The desk</title>');
  });

  it('the build error is shown as escaped text', async () => {
    const message = 'No "<script>" in main.ts & nothing else';
    await using desk = await startDesk({ state: { state: 'failed', message } });
    const { status, text, headers } = await sendRequest(`${desk.url}/`);
    expect([status, headers.get('refresh')]).toEqual([500, null]);
    expect(text).toContain('No "&lt;script&gt;" in main.ts &amp; nothing else');
  });

  it('page requests do not count against the rate limit', async () => {
    await using desk = await startDesk({ state: ready });
    const statuses = [];
    for (let turn = 0; turn < 6; turn += 1) statuses.push((await sendRequest(`${desk.url}/`)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200]);
  });
});
