import express from 'express';
import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { createAuthenticator, type AuthenticatorOptions } from '../../../server/middleware/src/authenticator.ts';
import { bffRoles, type BffRolesOptions } from '../../../server/middleware/src/bff-roles.ts';
import * as forExpress from '../../../server/middleware/src/express.ts';
import * as forFastify from '../../../server/middleware/src/fastify.ts';
import { createRequestAuthenticator } from '../../../server/middleware/src/fetch.ts';
import { askRaw } from '../../support/app/raw-request.ts';
import { serve } from '../../support/app/serve.ts';
import { type Claims, now, signingKey, staffToken } from '../../support/token/tokens.ts';

const keys = { signingKeys: [signingKey], now: () => now };
const requestWith = (claims: Claims, url = '/') => ({
  url,
  headers: { authorization: `Bearer ${staffToken(now, claims)}` },
});
/** The token of the guide: the systems, and role names without their system. */
const guide = { systems: ['TTS', 'AMS'], roles: ['Admin'] };
const scoped = { roles: [{ system: 'TTS', role: 'Admin' }] };

const admitted = { state: 'admitted', principal: { id: 123 } };
const forbidden = { state: 'refused', status: 403, body: { error: 'Insufficient permissions' } };
const lacks = { ...forbidden, reason: 'insufficient_permissions' };
const unavailable = { status: 503, body: { error: 'Service unavailable' }, reason: 'roles_unavailable' };

const start = (options: Partial<AuthenticatorOptions> = {}) =>
  createAuthenticator({ ...keys, ...options } as AuthenticatorOptions);

describe('requireSystem', () => {
  it.each([
    ['systems', { systems: ['tts'] }],
    ['scoped roles', scoped],
    ['the guide’s token', guide],
  ])('admits a member by %s, case-insensitively, without a lookup', async (_, claims) => {
    const admit = start({ resolveRoles: () => expect.fail('Nothing to look up.') }).requireSystem('Tts');
    expect(await admit(requestWith(claims))).toMatchObject(admitted);
  });

  it('refuses people of other systems', async () => {
    expect(await start().requireSystem('HDTS')(requestWith(guide))).toEqual(lacks);
  });

  it('asks resolveRoles if the token names neither systems nor roles', async () => {
    const admit = (systems: string[]) =>
      start({ resolveRoles: () => ({ systems, roles: [] }) }).requireSystem('TTS')(requestWith({}));
    expect(await admit(['TTS'])).toMatchObject(admitted);
    expect(await admit(['AMS'])).toEqual(lacks);
    expect(await start().requireSystem('TTS')(requestWith({}))).toEqual({
      ...forbidden,
      reason: 'roles_without_system',
    });
  });
});

describe('requireRole with the token of the guide, whose roles name no system', () => {
  it('refuses with a reason that says so, unless resolveRoles is set', async () => {
    const messages: string[] = [];
    const admit = start({ onRefused: ({ message }) => messages.push(message) }).requireRole('TTS', 'Admin');
    expect(await admit(requestWith(guide))).toEqual({ ...forbidden, reason: 'roles_without_system' });
    expect(messages).toEqual([
      'The token names no system for its roles, so it is unknown whether the caller has the role Admin in TTS. Set resolveRoles, such as bffRoles({ url }).',
    ]);
  });

  it('asks resolveRoles with the principal and the token', async () => {
    const asked: unknown[] = [];
    const { requireRole } = start({
      resolveRoles: async ({ type, id }, token) => {
        asked.push([type, id, token]);
        return { systems: ['TTS'], roles: [{ system: 'TTS', role: 'Admin' }] };
      },
    });
    expect(await requireRole('tts', 'ADMIN')(requestWith(guide))).toMatchObject(admitted);
    expect(await requireRole('TTS', 'Agent')(requestWith(guide))).toEqual(lacks);
    expect(asked[0]).toEqual(['staff', 123, staffToken(now, guide)]);
  });

  it('asks nothing if the token names the roles, or rules the system out', async () => {
    const { requireRole } = start({ resolveRoles: () => expect.fail('Nothing to look up.') });
    expect(await requireRole('TTS', 'Admin')(requestWith(scoped))).toMatchObject(admitted);
    expect(await requireRole('TTS', 'Agent')(requestWith(scoped))).toEqual(lacks);
    expect(await requireRole('HDTS', 'Admin')(requestWith(guide))).toEqual(lacks);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('down');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('down'))],
    ['answers nothing', async () => undefined],
  ])('answers 503 if resolveRoles %s', async (_, resolveRoles) => {
    const causes: unknown[] = [];
    const { requireRole } = start({
      resolveRoles: resolveRoles as never,
      onRefused: ({ cause }) => causes.push(cause),
    });
    expect(await requireRole('TTS', 'Admin')(requestWith(guide))).toMatchObject(unavailable);
    expect(causes).toEqual([expect.any(Error)]);
  });

  it('refuses on a public path, where nobody is identified', async () => {
    const { requireRole } = start({ publicPrefixes: ['/public'] });
    expect(await requireRole('TTS', 'Admin')(requestWith(scoped, '/public'))).toMatchObject({
      status: 401,
      reason: 'no_token',
    });
  });

  it('works on a Request of fetch', async () => {
    const authenticate = createRequestAuthenticator({
      ...keys,
      resolveRoles: () => ({ systems: [], roles: scoped.roles }),
    });
    const request = new Request('http://localhost/x', requestWith(guide));
    expect(await authenticate.requireRole('TTS', 'Admin')(request)).toMatchObject(admitted);
    expect(await authenticate.requireSystem('HDTS')(request)).toEqual(lacks);
  });
});

describe.each([
  {
    name: 'Express',
    listen: async (options: forExpress.RequireAuthOptions & forFastify.RequireAuthOptions, other: boolean) => {
      const app = express();
      app.use(forExpress.requireAuth(options));
      app.use((request, _response, next) => {
        if (other && request.auth) request.auth = { ...request.auth, id: 6 };
        next();
      });
      app.get('/admin', forExpress.requireRole('TTS', 'Admin'), (_request, response) => void response.json('done'));
      app.get('/hdts', forExpress.requireSystem('HDTS'), (_request, response) => void response.json('done'));
      return serve(app);
    },
  },
  {
    name: 'Fastify',
    listen: async (options: forExpress.RequireAuthOptions & forFastify.RequireAuthOptions, other: boolean) => {
      const app = Fastify();
      await app.register(forFastify.requireAuth(options));
      app.addHook('onRequest', async (request) => {
        if (other && request.auth !== null) request.auth = { ...request.auth, id: 6 };
      });
      app.get('/admin', { preHandler: forFastify.requireRole('TTS', 'Admin') }, async () => 'done');
      app.get('/hdts', { preHandler: forFastify.requireSystem('HDTS') }, async () => 'done');
      const url = await app.listen({ host: '127.0.0.1', port: 0 });
      return { url, [Symbol.asyncDispose]: () => app.close() };
    },
  },
])('the role checks of $name', ({ listen }) => {
  const ask = async (url: string, target: string) => {
    const { status, body } = await askRaw(url, { target, headers: requestWith(guide).headers });
    return `${status} ${body}`;
  };
  const resolveRoles = () => ({ systems: ['TTS'], roles: scoped.roles });

  it('use the resolveRoles of requireAuth, and report refusals with the request', async () => {
    const refused: string[] = [];
    const onRefused = ({ reason, request }: { reason: string; request: { url?: string | undefined } }) =>
      refused.push(`${reason} ${request.url}`);
    await using service = await listen({ ...keys, resolveRoles, onRefused }, false);
    expect(await ask(service.url, '/admin')).toMatch(/^200 /);
    expect(await ask(service.url, '/hdts')).toBe('403 {"error":"Insufficient permissions"}');
    await askRaw(service.url, { target: '/admin' });
    expect(refused).toEqual(['insufficient_permissions /hdts', 'no_token /admin']);
  });

  it('answer 503 while the roles cannot be looked up', async () => {
    const failing = () => Promise.reject(new Error('down'));
    await using service = await listen({ ...keys, resolveRoles: failing }, false);
    expect(await ask(service.url, '/admin')).toBe('503 {"error":"Service unavailable"}');
  });

  it('ask for nobody by the token of somebody else, if the application replaced the caller', async () => {
    await using service = await listen({ ...keys, resolveRoles }, true);
    expect(await ask(service.url, '/admin')).toBe('403 {"error":"Insufficient permissions"}');
  });
});

describe('onRefused', () => {
  it('is told the reason and the request, without a token in the message', async () => {
    const refused: unknown[] = [];
    const { authenticate } = start({ onRefused: (told) => refused.push(told) });
    const request = { url: '/', headers: { authorization: `Bearer ${staffToken(now, { exp: 1 })}` } };
    await authenticate(request);
    expect(refused).toEqual([
      { reason: 'token_expired', message: 'The session has expired. Refresh it and repeat the call.', request },
    ]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('The log is full.');
      },
    ],
    ['rejects', () => Promise.reject(new Error('The log is full.'))],
  ])('changes no response if it %s', async (_, onRefused) => {
    expect(await start({ onRefused }).authenticate({ url: '/', headers: {} })).toMatchObject({ status: 401 });
  });
});

describe('bffRoles', () => {
  const session = { user: {}, systems: ['TTS'], roles: scoped.roles, expiresAt: '', refreshAt: '' };
  const serveSession = async (options: Partial<BffRolesOptions> = {}) => {
    const answer = { status: 200, body: JSON.stringify(session) };
    const seen: string[] = [];
    const server = await serve(({ url, headers }, response) => {
      seen.push(`${url} ${headers.authorization}`);
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
    const resolveRoles = bffRoles({ url: server.url, now: () => now, ...options });
    const { requireRole } = start({ resolveRoles });
    const ask = (claims: Claims = guide) => requireRole('TTS', 'Admin')(requestWith(claims));
    return { answer, seen, ask, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  };

  it('asks the BFF with the token of the caller, once for parallel requests and a minute', async () => {
    const clock = { now };
    await using bff = await serveSession({ now: () => clock.now });
    expect(await Promise.all([bff.ask(), bff.ask()])).toMatchObject([admitted, admitted]);
    clock.now += 59_999;
    expect(await bff.ask()).toMatchObject(admitted);
    expect(bff.seen).toEqual([`/bff/api/session Bearer ${staffToken(now, guide)}`]);
    await bff.ask({ ...guide, user_id: 6 });
    clock.now += 1;
    await bff.ask();
    expect(bff.seen).toHaveLength(3);
  });

  it('refuses a session that the BFF no longer accepts', async () => {
    await using bff = await serveSession();
    bff.answer.status = 401;
    expect(await bff.ask()).toEqual({
      state: 'refused',
      status: 401,
      body: { error: 'Invalid token' },
      reason: 'session_ended',
    });
  });

  it.each([
    ['an error', { status: 500 }],
    ['too many requests', { status: 429 }],
    ['a redirect', { status: 302 }],
    ['HTML', { body: '<html>' }],
    ['a session without lists', { body: '{"systems":null,"roles":["Admin"]}' }],
  ])('makes %s a 503, and asks again at the next request', async (_, answer) => {
    await using bff = await serveSession();
    Object.assign(bff.answer, answer);
    expect(await bff.ask()).toMatchObject(unavailable);
    Object.assign(bff.answer, { status: 200, body: JSON.stringify(session) });
    expect(await bff.ask()).toMatchObject(admitted);
  });

  it('needs the address of the BFF', () => {
    expect(() => bffRoles({ url: 'bff.example.org' })).toThrow(/expected the http\(s\) address of the BFF/);
  });
});
