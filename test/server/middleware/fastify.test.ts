import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { requireAuth, requireRole } from '../../../server/middleware/src/fastify.ts';
import { askRaw } from '../../support/app/raw-request.ts';
import { now, signingKey, staffToken } from '../../support/token/tokens.ts';

const options = { signingKeys: [signingKey], now: () => now };
const headers = { cookie: `access_token=${staffToken(now)}` };
const agent = { cookie: `access_token=${staffToken(now, { roles: [{ system: 'TTS', role: 'Agent' }] })}` };

const tellWho = async ({ jwtPayload, userId, userType, auth }: FastifyRequest) => ({
  jwtPayload,
  userId,
  userType,
  auth,
});

const listen = async (app: FastifyInstance) => {
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { url, [Symbol.asyncDispose]: () => app.close() };
};

/** The status of each target. */
const statuses = (url: string, targets: readonly string[], given = {}) =>
  Promise.all(targets.map(async (target) => (await askRaw(url, { target, headers: given })).status));

describe('requireAuth in a Fastify app', () => {
  it('adds the payload, and the id and type of the person, to the request', async () => {
    const app = Fastify();
    await app.register(requireAuth({ ...options, publicPrefixes: ['/public'] }));
    app.get('/who', tellWho).get('/public', tellWho);
    await using service = await listen(app);
    const seen = async (target: string, claims?: Record<string, unknown>) => {
      const { body } = await askRaw(service.url, {
        target,
        headers: claims === undefined ? {} : { cookie: `access_token=${staffToken(now, claims)}` },
      });
      return JSON.parse(body) as unknown;
    };
    expect(await seen('/who', { user_id: '123' })).toMatchObject({
      jwtPayload: { user_id: '123' },
      userId: 123,
      userType: 'staff',
      auth: { type: 'staff', id: 123 },
    });
    const employee = { user_id: undefined, user_type: 'employee', employee_id: 456 };
    expect(await seen('/who', employee)).toMatchObject({ userId: 456, userType: 'employee', auth: { id: 456 } });
    expect(await seen('/who', { user_type: undefined })).toMatchObject({ userType: 'staff' });
    expect(await seen('/public')).toEqual({ jwtPayload: null, userId: null, userType: null, auth: null });
  });

  it('guards the scope that registers it, with earlier and later routes, and no other scope', async () => {
    const app = Fastify();
    await app.register(
      async (scope) => {
        scope.get('/before', tellWho);
        await scope.register(requireAuth(options));
        scope.get('/after', tellWho);
        await scope.register(async (inner) => void inner.get('/inner', tellWho));
      },
      { prefix: '/api' },
    );
    app.get('/open', async () => 'open');
    await using service = await listen(app);
    expect(await statuses(service.url, ['/api/before', '/api/after', '/api/inner', '/open'])).toEqual([
      401, 401, 401, 200,
    ]);
    expect(await statuses(service.url, ['/api/after', '/api/inner'], headers)).toEqual([200, 200]);
  });

  it('can be registered again in a nested scope', async () => {
    const app = Fastify();
    await app.register(requireAuth(options));
    await app.register(async (scope) => {
      await scope.register(requireAuth(options));
      scope.get('/', tellWho);
    });
    await using service = await listen(app);
    expect(await statuses(service.url, ['/'])).toEqual([401]);
    expect(await statuses(service.url, ['/'], headers)).toEqual([200]);
  });

  it.each(['onRequest', 'preHandler'] as const)('works on one route as %s', async (name) => {
    const app = Fastify();
    app.get('/one', { [name]: requireAuth(options) }, tellWho);
    app.get('/role', { [name]: [requireAuth(options), requireRole('TTS', 'Agent')] }, tellWho);
    app.get('/open', async () => 'open');
    await using service = await listen(app);
    const targets = ['/one', '/role', '/open'];
    expect(await statuses(service.url, targets)).toEqual([401, 401, 200]);
    expect(await statuses(service.url, targets, headers)).toEqual([200, 403, 200]);
    expect(await statuses(service.url, targets, agent)).toEqual([200, 200, 200]);
  });

  it('works on a scope as a hook', async () => {
    const app = Fastify();
    app.addHook('onRequest', requireAuth(options));
    app.addHook('preHandler', requireRole('TTS', 'Agent'));
    app.get('/', tellWho);
    await using service = await listen(app);
    expect(await statuses(service.url, ['/'])).toEqual([401]);
    expect(await statuses(service.url, ['/'], headers)).toEqual([403]);
    expect(await statuses(service.url, ['/'], agent)).toEqual([200]);
  });

  it('calls no handler for a rejected request, even if the response takes time', async () => {
    let runs = 0;
    const app = Fastify();
    // Fastify detects the response only once it is sent.
    app.addHook('onSend', async () => {
      await new Promise((resolve) => void setImmediate(resolve));
    });
    await app.register(requireAuth(options));
    app.addHook('preHandler', async () => {
      runs += 1;
    });
    app.get('/', { preHandler: requireRole('TTS', 'Admin') }, async () => {
      runs += 10;
    });
    await using service = await listen(app);
    expect((await askRaw(service.url, { target: '/' })).body).toBe('{"error":"Authentication required"}');
    expect(runs).toBe(0);
    expect((await askRaw(service.url, { target: '/', headers })).body).toBe('{"error":"Insufficient permissions"}');
    expect(runs).toBe(1);
  });

  it("keeps its response bodies despite a route's schema or the app's error handler", async () => {
    const app = Fastify();
    app.setErrorHandler((_error, _request, reply) => reply.code(418).send({ message: 'ours' }));
    await app.register(requireAuth(options));
    const schema = {
      response: { '4xx': { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] } },
    };
    app.get('/', { schema, preHandler: requireRole('TTS', 'Admin') }, tellWho);
    await using service = await listen(app);
    expect(await askRaw(service.url, { target: '/' })).toMatchObject({
      status: 401,
      body: '{"error":"Authentication required"}',
    });
    expect(await askRaw(service.url, { target: '/', headers })).toMatchObject({
      status: 403,
      body: '{"error":"Insufficient permissions"}',
    });
  });

  it('checks the URL that the router uses, with any router option', async () => {
    const app = Fastify({
      rewriteUrl: ({ url = '' }) => url.replace('/public/old', '/secret'),
      routerOptions: {
        ignoreDuplicateSlashes: true,
        ignoreTrailingSlash: true,
        caseSensitive: false,
      },
    });
    await app.register(requireAuth({ ...options, publicPrefixes: ['/public/'] }));
    app.get('/secret', tellWho).get('/public/info', tellWho);
    await using service = await listen(app);
    const secret = ['/public/old', '/SECRET/', '//secret', '/secret?/public/'];
    expect(await statuses(service.url, secret, headers)).toEqual(secret.map(() => 200));
    expect(await statuses(service.url, secret)).toEqual(secret.map(() => 401));
    expect(await statuses(service.url, ['/public/info', '/public/info/'])).toEqual([200, 200]);
  });

  it('fails the request on errors other than rejections', async () => {
    const app = Fastify();
    const brokenClock = () => {
      throw new Error('The clock stands still.');
    };
    await app.register(requireAuth({ ...options, now: brokenClock }));
    app.get('/', tellWho);
    await using service = await listen(app);
    expect(await askRaw(service.url, { target: '/', headers })).toMatchObject({ status: 500 });
  });

  it('is required by requireRole, which rejects every request without it', async () => {
    const app = Fastify();
    app.get('/', { preHandler: requireRole('TTS', 'Admin') }, tellWho);
    await using service = await listen(app);
    const { status, body } = await askRaw(service.url, { target: '/', headers });
    expect({ status, message: (JSON.parse(body) as { message: string }).message }).toEqual({
      status: 500,
      message: 'requireRole ran before requireAuth: register requireAuth first.',
    });
  });

  it('is registered under its plugin name', async () => {
    const app = Fastify();
    await app.register(requireAuth(options));
    await app.ready();
    expect(app.hasPlugin('@auth-bff/middleware/fastify')).toBe(true);
    await app.close();
  });
});
