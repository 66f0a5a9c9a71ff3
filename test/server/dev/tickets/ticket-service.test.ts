import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ticket } from '../../../../server/dev/tickets/ticket.ts';
import { createTicketService } from '../../../../server/dev/tickets/ticket-service.ts';
import { toSeedTickets } from '../../../../server/dev/tickets/seed-tickets.ts';
import { askRaw } from '../../../support/app/raw-request.ts';
import { signingKey, startApp, type TestApp } from '../../../support/app/start-app.ts';
import { now, staffToken } from '../../../support/token/tokens.ts';

const origin = 'http://localhost:4000';
const tokenOf = (changes = {}) => staffToken(now, changes, signingKey);
const asStaff = { cookie: `access_token=${tokenOf()}` };
const asEmployee = {
  cookie: `access_token=${tokenOf({ user_id: undefined, user_type: 'employee', employee_id: 7 })}`,
};
const written = { title: 'Laptop is wet', system: 'TTS', assigneeId: 5, key: 'a-key' };

let bff: TestApp;
beforeAll(async () => {
  bff = await startApp({ now: () => now });
});
afterAll(() => bff[Symbol.asyncDispose]());

const startService = async (bffUrl = bff.url) => {
  const service = await createTicketService({
    bffUrl,
    origins: [origin],
    seed: toSeedTickets(now),
    now: () => now,
  });
  const url = await service.listen({ host: '127.0.0.1', port: 0 });
  const open = async (body: unknown, headers: Record<string, string> = asStaff) => {
    const answer = await askRaw(url, {
      method: 'POST',
      target: '/tickets/',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: answer.status, body: JSON.parse(answer.body) as unknown };
  };
  const list = async () => {
    const { body } = await askRaw(url, { target: '/tickets/', headers: asStaff });
    return (JSON.parse(body) as { tickets: Ticket[] }).tickets;
  };
  return { url, open, list, [Symbol.asyncDispose]: () => service.close() };
};

describe('the ticket service', () => {
  it("every path answers 401 with the guide's bodies to an unauthenticated request", async () => {
    await using service = await startService();
    const bad = { cookie: `access_token=${tokenOf({ exp: Math.floor(now / 1000) - 1 })}` };
    for (const target of ['/tickets/', '/elsewhere']) {
      expect(await askRaw(service.url, { target })).toMatchObject({
        status: 401,
        body: '{"error":"Authentication required"}',
      });
      expect(await askRaw(service.url, { target, headers: bad })).toMatchObject({
        status: 401,
        body: '{"error":"Invalid token"}',
      });
    }
    expect(await service.open(written, {})).toEqual({ status: 401, body: { error: 'Authentication required' } });
    expect(await service.list()).toHaveLength(60);
  });

  it('refuses an assertion that the caller made up or took from elsewhere', async () => {
    await using service = await startService();
    const headers = { authorization: `Bearer ${tokenOf()}` };
    const taken = await askRaw(bff.url, { target: '/bff/verify?audience=tickets', headers });
    const assertion = String(taken.headers['x-auth-assertion']);
    expect(assertion).toContain('.');
    expect((await askRaw(service.url, { target: '/tickets/', headers })).status).toBe(200);
    const answer = await askRaw(service.url, { target: '/tickets/', headers: { 'x-auth-assertion': assertion } });
    expect([answer.status, answer.body]).toEqual([401, '{"error":"Authentication required"}']);
  });

  it('answers 503 while the BFF is away, and never 401', async () => {
    await using service = await startService('http://127.0.0.1:1');
    const { status, headers } = await askRaw(service.url, { target: '/tickets/', headers: { ...asStaff, origin } });
    expect([status, headers['retry-after'], headers['access-control-allow-origin']]).toEqual([503, '1', origin]);
  });

  it('GET /tickets lists the tickets with and without trailing slash', async () => {
    await using service = await startService();
    expect(await service.list()).toEqual(toSeedTickets(now));
    const { status, headers } = await askRaw(service.url, { target: '/tickets', headers: asStaff });
    expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
  });

  it('POST /tickets opens a ticket of the token owner and lists it first', async () => {
    await using service = await startService();
    const fields = { title: 'Laptop is wet', system: 'TTS', createdAt: new Date(now).toISOString() };
    const byJohn = { ...fields, id: 'T-1061', assigneeId: 5, requesterId: 123, requesterType: 'staff' };
    // The body cannot set the requester.
    const forged = { ...written, title: ' Laptop is wet ', requesterId: 6, requesterType: 'employee', id: 'T-1' };
    expect(await service.open(forged)).toEqual({ status: 201, body: byJohn });
    const byEmployee = { ...fields, id: 'T-1062', assigneeId: null, requesterId: 7, requesterType: 'employee' };
    expect(await service.open({ ...written, assigneeId: null }, asEmployee)).toEqual({ status: 201, body: byEmployee });
    expect((await service.list()).slice(0, 2)).toEqual([byEmployee, byJohn]);
  });

  it('repeated and concurrent requests with the same key of one person open one ticket', async () => {
    await using service = await startService();
    const answers = await Promise.all(
      [written, written, { ...written, title: 'Changed' }].map((one) => service.open(one)),
    );
    // Three connections: any of them may be the first to arrive.
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    expect(new Set(answers.map(({ body }) => (body as Ticket).id))).toEqual(new Set(['T-1061']));
    expect(await service.list()).toHaveLength(61);
    expect(await service.open({ ...written, key: 'another' })).toMatchObject({ status: 201, body: { id: 'T-1062' } });
  });

  it('PATCH /tickets hands the ticket of a key on, and knows no other key', async () => {
    await using service = await startService();
    await service.open(written);
    const handOn = async (body: unknown) => {
      const { status } = await askRaw(service.url, {
        method: 'PATCH',
        target: '/tickets/',
        headers: { 'content-type': 'application/json', ...asStaff },
        body: JSON.stringify(body),
      });
      return status;
    };
    expect(await handOn({ key: written.key, assigneeId: 12 })).toBe(200);
    expect((await service.list())[0]?.assigneeId).toBe(12);
    expect(await handOn({ key: 'unknown', assigneeId: 5 })).toBe(404);
    expect(await handOn({ key: written.key, assigneeId: null })).toBe(400);
    expect((await service.list())[0]?.assigneeId).toBe(12);
  });

  it.each([
    [{ ...written, title: '  ' }, 'title: expected a text of 1 to 200 characters'],
    [{ ...written, title: 'x'.repeat(201) }, 'title: expected a text of 1 to 200 characters'],
    [{ ...written, system: 'tts' }, 'system: expected one of TTS, AMS, BMS, HDTS'],
    [{ ...written, assigneeId: 'five' }, 'assigneeId: expected the id of a staff user, or null'],
    [{ ...written, assigneeId: undefined }, 'assigneeId: expected the id of a staff user, or null'],
    [{ ...written, key: '' }, 'key: expected an idempotency key, a text of 1 to 200'],
    [[], 'expected a JSON object with title, system, assigneeId and key'],
    ['{', 'Body is not valid JSON'],
  ])('POST /tickets answers 400 to %j and names the error', async (body, error) => {
    await using service = await startService();
    expect(await service.open(body)).toEqual({ status: 400, body: { error: expect.stringContaining(error) } });
    expect(await service.list()).toHaveLength(60);
  });

  it('an error names all invalid fields and repeats no input', async () => {
    await using service = await startService();
    const { body } = await service.open({ title: '', system: 'nonsense' });
    const { error } = body as { error: string };
    expect(error.split('; ').map((part) => part.split(':', 1)[0])).toEqual(['title', 'system', 'assigneeId', 'key']);
    expect(error).not.toContain('nonsense');
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'POST /tickets rejects the content type %s, which a form of another site can send',
    async (type) => {
      await using service = await startService();
      const headers = { ...asStaff, 'content-type': type };
      expect(await service.open(JSON.stringify(written), headers)).toMatchObject({ status: 415 });
      expect(await service.list()).toHaveLength(60);
    },
  );

  it("CORS lets only the BFF's pages read responses and errors with credentials", async () => {
    await using service = await startService();
    const sendRequest = async (headers: Record<string, string>) =>
      (await askRaw(service.url, { target: '/tickets/', headers })).headers;
    const allowed = { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' };
    expect(await sendRequest({ origin, ...asStaff })).toMatchObject(allowed);
    expect(await sendRequest({ origin })).toMatchObject(allowed);
    for (const other of ['http://localhost:4001', 'null', 'http://localhost:4000.evil.example']) {
      expect(await sendRequest({ origin: other, ...asStaff })).not.toHaveProperty('access-control-allow-origin');
    }
  });

  it("the preflight of the BFF's pages needs no session, and other origins fail", async () => {
    await using service = await startService();
    const sendRequest = (from: string) =>
      askRaw(service.url, {
        method: 'OPTIONS',
        target: '/tickets/',
        headers: {
          origin: from,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type',
        },
      });
    const preflight = await sendRequest(origin);
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, POST, PATCH',
      'access-control-allow-headers': 'content-type',
    });
    expect((await sendRequest('http://evil.example')).headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('an unknown path lists the routes to an authenticated caller', async () => {
    await using service = await startService();
    expect(await askRaw(service.url, { target: '/users/', headers: asStaff })).toMatchObject({
      status: 404,
      body: '{"error":"Not found. This service has only GET, POST and PATCH /tickets/"}',
    });
  });
});
