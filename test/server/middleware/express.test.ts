import express from 'express';
import { describe, expect, it } from 'vitest';
import { requireAuth, requireRole } from '../../../server/middleware/src/express.ts';
import { askRaw } from '../../support/app/raw-request.ts';
import { serve } from '../../support/app/serve.ts';
import { now, signingKey, staffToken } from '../../support/token/tokens.ts';

const options = { signingKeys: [signingKey], now: () => now };
const headers = { cookie: `access_token=${staffToken(now)}` };

/** An app without stack traces in responses, as in production. */
const createExpress = () => express().set('env', 'test').set('x-powered-by', false);
const tellWho: express.RequestHandler = (request, response) => void response.json(request.auth ?? null);

/** The status of each target without a token. */
const statuses = (url: string, targets: readonly string[]) =>
  Promise.all(targets.map(async (target) => (await askRaw(url, { target })).status));

describe('requireAuth in an Express app', () => {
  it('guards only its mount path, and matches public prefixes as whole path segments', async () => {
    const app = createExpress();
    app.use('/api', requireAuth({ ...options, publicPrefixes: ['/api/public/', '/internal'] }));
    app.use(tellWho);
    await using service = await serve(app);
    expect(await statuses(service.url, ['/', '/elsewhere', '/API/x', '/api', '/api/x', '/api/internal'])).toEqual([
      200, 200, 401, 401, 401, 401,
    ]);
    expect(await statuses(service.url, ['/api/public/x', '/api/public/../x', '/api//public/x'])).toEqual([
      200, 401, 401,
    ]);
    expect((await askRaw(service.url, { target: '/api/x', headers })).status).toBe(200);
  });

  it('checks the URL that the router uses, even if earlier middleware has rewritten it', async () => {
    const app = createExpress();
    app.use((request, _response, next) => {
      request.url = request.url.replace('/public/old', '/secret').replace('/help', '/public/help');
      next();
    });
    app.use(requireAuth({ ...options, publicPrefixes: ['/public'] }), tellWho);
    await using service = await serve(app);
    expect(await statuses(service.url, ['/public/old', '/help', '/public/new'])).toEqual([401, 200, 200]);
  });

  it('works on a router and on a single route', async () => {
    const app = createExpress();
    const router = express.Router().use(requireAuth(options)).get('/x', tellWho);
    app.use('/router', router);
    app.get('/one', requireAuth(options), requireRole('TTS', 'Agent'), tellWho);
    app.get('/open', tellWho);
    await using service = await serve(app);
    expect(await statuses(service.url, ['/router/x', '/one', '/open'])).toEqual([401, 401, 200]);
    const agent = { cookie: `access_token=${staffToken(now, { roles: [{ system: 'TTS', role: 'Agent' }] })}` };
    expect((await askRaw(service.url, { target: '/one', headers: agent })).status).toBe(200);
    expect((await askRaw(service.url, { target: '/one', headers })).status).toBe(403);
  });

  it('calls no handler for a rejected request, and the next handler once for an accepted one', async () => {
    let runs = 0;
    const app = createExpress();
    app.use(requireAuth(options));
    app.use((_request, response) => {
      runs += 1;
      response.end();
    });
    await using service = await serve(app);
    await askRaw(service.url, { target: '/' });
    expect(runs).toBe(0);
    await askRaw(service.url, { target: '/', headers });
    expect(runs).toBe(1);
  });

  it('passes claims that later handlers cannot modify', async () => {
    const app = createExpress();
    app.use(requireAuth(options));
    app.use((request, response) => {
      response.json([Reflect.set(request.user ?? {}, 'user_id', 1), Reflect.set(request.auth ?? {}, 'id', 1)]);
    });
    await using service = await serve(app);
    expect((await askRaw(service.url, { target: '/', headers })).body).toBe('[false,false]');
  });

  it("passes errors other than rejections to the app's error handler", async () => {
    const app = createExpress();
    const brokenClock = () => {
      throw new Error('The clock stands still.');
    };
    app.use(requireAuth({ ...options, now: brokenClock }));
    const answerError: express.ErrorRequestHandler = (error: Error, _request, response, _next) =>
      void response.status(500).json({ told: error.message });
    app.use(answerError);
    await using service = await serve(app);
    expect(await askRaw(service.url, { target: '/', headers })).toMatchObject({
      status: 500,
      body: '{"told":"The clock stands still."}',
    });
  });

  it('is required by requireRole, which rejects every request without it', async () => {
    const app = createExpress();
    app.use(requireRole('TTS', 'Admin'), tellWho);
    const answerError: express.ErrorRequestHandler = (error: Error, _request, response, _next) =>
      void response.status(500).json({ told: error.message });
    app.use(answerError);
    await using service = await serve(app);
    expect(await askRaw(service.url, { target: '/', headers })).toMatchObject({
      status: 500,
      body: '{"told":"requireRole ran before requireAuth: register requireAuth first."}',
    });
  });

  it('does not depend on Express', async () => {
    const guard = requireAuth(options);
    await using service = await serve((request, response) =>
      guard(request, response, (error) => response.end(error === undefined ? 'admitted' : 'failed')),
    );
    expect((await askRaw(service.url, { target: '/' })).status).toBe(401);
    expect((await askRaw(service.url, { target: '/', headers })).body).toBe('admitted');
  });
});
