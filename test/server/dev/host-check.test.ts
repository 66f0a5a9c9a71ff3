import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTicketService } from '../../../server/dev/tickets/ticket-service.ts';
import { askRaw, sendLines } from '../../support/app/raw-request.ts';
import { now } from '../../support/token/tokens.ts';
import { start } from './auth-service/send-request.ts';
import { startDesk } from './desk/start-desk.ts';

type Started = {
  url: string;
  /** A path that the server does not answer with a rejection. */
  target: string;
  /** The number of requests that passed the check. Null: the server does not count them. */
  count: () => number | null;
  close: () => Promise<unknown>;
};

const startDialect = async (dialect: 'guide' | 'deployed'): Promise<Started> => {
  const service = await start({ dialect });
  return { url: service.url, target: '/api/me/', count: service.count, close: service.close };
};

const servers: Record<string, () => Promise<Started>> = {
  'the control port': async () => {
    const service = await start({ controlPort: 0 });
    return { url: service.controlUrl ?? '', target: '/calls', count: () => null, close: service.close };
  },
  'the embedded Auth Service, guide dialect': () => startDialect('guide'),
  'the embedded Auth Service, deployed dialect': () => startDialect('deployed'),
  'the ticket service': async () => {
    const service = await createTicketService({ bffUrl: 'http://127.0.0.1:1', origins: [], seed: [], now: () => now });
    const url = await service.listen({ host: '127.0.0.1', port: 0 });
    return { url, target: '/tickets/', count: () => null, close: () => service.close() };
  },
  'the demo page': async () => {
    const desk = await startDesk();
    return { url: desk.url, target: '/', count: () => null, close: () => desk[Symbol.asyncDispose]() };
  },
  'the development routes': async () => {
    const desk = await startDesk();
    return { url: desk.url, target: '/dev/config', count: () => null, close: () => desk[Symbol.asyncDispose]() };
  },
};

const local = [
  'localhost',
  'localhost:8001',
  'localhost:',
  'LocalHost:8001',
  'localhost.',
  'localhost.:8001',
  'tts.localhost:4000',
  'a.b.LOCALHOST.',
  '127.0.0.1:8001',
  '127.8.9.10',
  '[::1]',
  '[::1]:8001',
  '[0:0:0:0:0:0:0:1]:8001',
];

const foreign = [
  'evil.example',
  'evil.example:8001',
  'EVIL.EXAMPLE.',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'evillocalhost',
  '.localhost.evil.example',
  '128.0.0.1',
  '192.168.0.9:8001',
  '0.0.0.0:8001',
  '127.1',
  '2130706433',
  '[::]',
  '[::2]',
  '[::ffff:7f00:1]',
  '[::1',
  '::1',
  'localhost@evil.example',
  'evil.example@localhost',
  'localhost, evil.example',
  'localhost evil.example',
  'localhost:80:80',
  'localhost/evil.example',
  'localhost#',
  '',
];

/** Requests with conflicting hosts or without a host. */
const heads = (target: string): Array<[name: string, lines: string[]]> => [
  ['no Host', [`GET ${target} HTTP/1.1`]],
  ['no Host, in HTTP/1.0', [`GET ${target} HTTP/1.0`]],
  ['a local Host and a foreign Host', [`GET ${target} HTTP/1.1`, 'Host: localhost', 'host: evil.example']],
  ['two local Hosts', [`GET ${target} HTTP/1.1`, 'Host: localhost', 'Host: localhost']],
  ['a foreign host in its target', [`GET http://evil.example${target} HTTP/1.1`, 'Host: localhost']],
  ['a foreign host in its target, in capitals', [`GET HTTP://EVIL.EXAMPLE${target} HTTP/1.1`, 'Host: localhost']],
  ['a user name in its target', [`GET http://localhost@evil.example${target} HTTP/1.1`, 'Host: localhost']],
  ['a local host only in its target', [`GET http://localhost${target} HTTP/1.1`, 'Host: evil.example']],
];

describe.each(Object.entries(servers))('%s', (name, startServer) => {
  let server: Started;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());
  // The development routes use one status and JSON for all rejections, so that the page can read them.
  const status = name === 'the development routes' ? 403 : 421;

  it.each(local)('accepts a request for the host %s', async (host) => {
    const answer = await askRaw(server.url, { target: server.target, headers: { host } });
    expect(answer.body).not.toContain('Refused');
    expect(answer.status).not.toBe(status);
  });

  it.each(foreign)('rejects a request for the host "%s" and lists the accepted hosts', async (host) => {
    const before = server.count();
    const lines = [`GET ${server.target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', '', ''];
    const answer = await sendLines(server.url, lines);
    expect(answer).toMatchObject({ status, body: expect.stringContaining('Refused') });
    expect(answer.body).toContain('localhost');
    expect(answer.body).toContain('127.0.0.0/8');
    expect(answer.body).toContain('[::1]');
    expect(answer.headers['content-type']).toMatch(status === 403 ? /^application\/json/ : /^text\/plain/);
    expect(server.count()).toBe(before);
  });

  it('rejects a request with several Host headers, without Host, or with a foreign host in its target', async () => {
    const before = server.count();
    for (const [head, lines] of heads(server.target)) {
      const answer = await sendLines(server.url, [...lines, 'Connection: close', '', '']);
      // The BFF answers 400 itself to requests without exactly one Host header.
      expect([head, [status, 400].includes(answer.status)]).toEqual([head, true]);
      expect([head, answer.body]).toEqual([head, expect.stringMatching(/Refused|one Host header/)]);
    }
    expect(server.count()).toBe(before);
  });
});

describe('a page of another site', () => {
  it('a page of another site cannot set a fault or reset the counts of the control API by DNS rebinding', async () => {
    await using service = await start({ controlPort: 0 });
    service.fault('user', { kind: 'hang' });
    await askRaw(service.url, { target: '/nowhere/' });
    const url = service.controlUrl ?? '';
    const headers = { host: new URL(url).host.replace('127.0.0.1', 'evil.example') };
    for (const [method, target] of [
      ['PUT', '/faults/*'],
      ['DELETE', '/faults/user'],
      ['DELETE', '/faults'],
      ['DELETE', '/calls'],
    ] as const) {
      const answer = await askRaw(url, { method, target, headers, body: '{"kind":"status","status":503}' });
      expect([method, target, answer.status]).toEqual([method, target, 421]);
    }
    expect([service.faultOf('*'), service.faultOf('user'), service.count()]).toEqual([null, { kind: 'hang' }, 1]);
  });

  it.each(['http://evil.example', 'https://evil.example:8001', 'null', 'http://localhost.evil.example', 'file://'])(
    'a page of the origin %s cannot set a fault through the control API',
    async (origin) => {
      await using service = await start({ controlPort: 0 });
      const url = service.controlUrl ?? '';
      for (const method of ['PUT', 'POST', 'OPTIONS', 'GET']) {
        const answer = await askRaw(url, {
          method,
          target: '/faults/*',
          headers: { origin, 'content-type': 'text/plain' },
          body: '{"kind":"hang"}',
        });
        expect([method, answer.status, answer.body]).toEqual([method, 403, expect.stringContaining('Refused')]);
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      }
      expect(service.faultOf('*')).toBeNull();
    },
  );

  it.each(['http://localhost:4000', 'http://127.0.0.1:8001', 'http://tts.localhost'])(
    'a page of the local origin %s can set a fault through the control API',
    async (origin) => {
      await using service = await start({ controlPort: 0 });
      const request = { method: 'PUT', target: '/faults/*', headers: { origin }, body: '{"kind":"hang"}' };
      expect(await askRaw(service.controlUrl ?? '', request)).toMatchObject({ status: 200 });
    },
  );

  it('a page of another site cannot set a fault through /dev with X-Forwarded-Host, even with TRUST_PROXY', async () => {
    await using desk = await startDesk(undefined, { TRUST_PROXY: 'true' });
    const headers = { host: 'evil.example', 'x-forwarded-host': 'localhost', 'x-csrf': '1' };
    const request = { method: 'PUT', target: '/dev/fault', headers, body: '{"kind":"hang"}' };
    expect(await askRaw(desk.url, request)).toMatchObject({ status: 403 });
    expect(desk.authService.faultOf('*')).toBeNull();
  });
});

describe('an allowed host', () => {
  it.each(['auth-service', 'host.docker.internal', '192.168.0.9', '[2001:db8::1]'])(
    'both ports of the embedded Auth Service accept the allowed host %s with any port number',
    async (host) => {
      await using service = await start({ controlPort: 0, allowedHosts: [host] });
      for (const [url, target, status] of [
        [service.url, '/api/me/', 404],
        [service.controlUrl ?? '', '/calls', 200],
      ] as const) {
        for (const named of [host, `${host}:8000`, host.toUpperCase()]) {
          expect((await askRaw(url, { target, headers: { host: named } })).status).toBe(status);
        }
        const other = await askRaw(url, { target, headers: { host: `evil.${host}` } });
        expect(other.status).toBe(421);
      }
    },
  );
});
