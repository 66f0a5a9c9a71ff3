import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ticket, TicketWithHistory } from '../../../../server/dev/tickets/ticket.ts';
import { createTicketService } from '../../../../server/dev/tickets/ticket-service.ts';
import { toSeedTickets } from '../../../../server/dev/tickets/seed-tickets.ts';
import { askRaw } from '../../../support/app/raw-request.ts';
import { signingKey, startApp, type TestApp } from '../../../support/app/start-app.ts';
import { now, staffToken } from '../../../support/token/tokens.ts';

const origin = 'http://localhost:4000';
const tokenOf = (changes = {}) => staffToken(now, changes, signingKey);
const sessionOf = (changes = {}) => ({ cookie: `access_token=${tokenOf(changes)}` });
const all = ['TTS', 'AMS', 'BMS', 'HDTS'];
/** John, as a member of all systems. The roles of the guide's tokens name no system. */
const asStaff = sessionOf({ systems: all, roles: ['Admin'] });
const employee = { user_id: undefined, user_type: 'employee', employee_id: 7 };
const asEmployee = sessionOf(employee);
const written = { title: 'Laptop is wet', system: 'TTS', assigneeId: 5, key: 'a-key' };

const seedTickets = toSeedTickets(now).map(({ ticket }) => ticket);
const noTicket = { status: 404, body: { error: 'No ticket has this id' } };

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
  const send = async (method: string, target: string, headers: Record<string, string>, body?: unknown) => {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await askRaw(url, {
      method,
      target,
      headers: { ...json, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: JSON.parse(answer.body) as unknown };
  };
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
  const idsOf = async (headers: Record<string, string>) => {
    const { body } = await send('GET', '/tickets/', headers);
    return (body as { tickets: Ticket[] }).tickets.map(({ id }) => id);
  };
  const find = async (id: string, headers: Record<string, string> = asStaff) =>
    (await send('GET', `/tickets/${id}`, headers)).body as TicketWithHistory;
  return { url, send, open, list, idsOf, find, [Symbol.asyncDispose]: () => service.close() };
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
    expect(await service.list()).toEqual(seedTickets);
    const { status, headers } = await askRaw(service.url, { target: '/tickets', headers: asStaff });
    expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
  });

  it('POST /tickets opens a ticket of the token owner and lists it first', async () => {
    await using service = await startService();
    const fields = { title: 'Laptop is wet', system: 'TTS', createdAt: new Date(now).toISOString() };
    const byJohn = {
      ...fields,
      id: 'T-1061',
      assigneeId: 5,
      turnKey: 'a-key',
      requesterId: 123,
      requesterType: 'staff',
    };
    // The body cannot set the requester.
    const forged = { ...written, title: ' Laptop is wet ', requesterId: 6, requesterType: 'employee', id: 'T-1' };
    expect(await service.open(forged)).toEqual({ status: 201, body: byJohn });
    const byEmployee = {
      ...fields,
      id: 'T-1062',
      assigneeId: null,
      turnKey: null,
      requesterId: 7,
      requesterType: 'employee',
    };
    expect(await service.open({ ...written, assigneeId: null }, asEmployee)).toEqual({ status: 201, body: byEmployee });
    expect((await service.list()).slice(0, 2)).toEqual([byEmployee, byJohn]);
  });

  it('repeated and concurrent requests with the same key of one person open one ticket', async () => {
    await using service = await startService();
    const answers = await Promise.all(
      [written, written, { ...written, title: 'Changed' }].map((one) => service.open(one)),
    );
    // Three connections: any of them may be the first to arrive.
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 201]);
    expect(new Set(answers.map(({ body }) => (body as Ticket).id))).toEqual(new Set(['T-1061']));
    expect(await service.list()).toHaveLength(61);
    expect(await service.open({ ...written, key: 'another' })).toMatchObject({ status: 201, body: { id: 'T-1062' } });
  });

  it.each([
    ['the guide dialect, whose roles name no system', { systems: ['TTS', 'AMS'], roles: ['Technician', 'User'] }],
    [
      'the deployed dialect, whose roles name their systems in lower case',
      {
        roles: [
          { system: 'tts', role: 'Technician' },
          { system: 'ams', role: 'User' },
        ],
      },
    ],
    ['a token without roles, which the BFF looks up', {}],
  ])('staff see the tickets of their systems and their own, with %s', async (_name, claims) => {
    await using service = await startService();
    const visible = seedTickets.filter(({ system }) => ['TTS', 'AMS'].includes(system)).map(({ id }) => id);
    expect(visible).toHaveLength(36);
    expect(await service.idsOf(sessionOf(claims))).toEqual(visible);
    const { body } = await service.send('POST', '/tickets/', sessionOf(claims), {
      ...written,
      system: 'BMS',
      assigneeId: null,
    });
    expect(await service.idsOf(sessionOf(claims))).toEqual([(body as Ticket).id, ...visible]);
  });

  it.each([
    ['the guide dialect', {}],
    [
      'the deployed dialect, where they have the role Employee in HDTS',
      { user_id: 7, roles: [{ system: 'hdts', role: 'Employee' }] },
    ],
  ])('employees see only their own tickets, with a token of %s', async (_name, claims) => {
    await using service = await startService();
    const session = sessionOf({ ...employee, ...claims });
    const own = seedTickets.filter((ticket) => ticket.requesterType === 'employee' && ticket.requesterId === 7);
    expect(own.length).toBeGreaterThan(0);
    expect(await service.idsOf(session)).toEqual(own.map(({ id }) => id));
    // The staff user 7 is somebody else.
    expect(await service.idsOf(sessionOf({ user_id: 7, systems: [], roles: [] }))).toEqual([]);
    const hdts = seedTickets.find(({ system, requesterId }) => system === 'HDTS' && requesterId !== 7)?.id ?? '';
    expect(await service.send('GET', `/tickets/${hdts}`, session)).toEqual(noTicket);
    expect(await service.send('PATCH', `/tickets/${hdts}`, session, { assigneeId: 3 })).toEqual(noTicket);
  });

  it('the ticket of another person and a ticket that does not exist have the same answer', async () => {
    await using service = await startService();
    const tomas = sessionOf({ user_id: 4, systems: ['AMS'], roles: ['User'] });
    const tts = seedTickets.find(({ system }) => system === 'TTS')?.id ?? '';
    expect((await service.send('GET', `/tickets/${tts}`, asStaff)).status).toBe(200);
    for (const id of [
      tts,
      'T-9999',
      'T-0',
      't-1001',
      '1001',
      'T-1001%20',
      '__proto__',
      'constructor',
      '%00',
      'T-1001%2F..',
    ])
      expect([id, await service.send('GET', `/tickets/${id}`, tomas)]).toEqual([id, noTicket]);
    expect(await service.send('PATCH', `/tickets/${tts}`, tomas, { assigneeId: 5 })).toEqual(noTicket);
  });

  it('GET /tickets/T-1001 shows the ticket with its history, which grows with each assignee', async () => {
    await using service = await startService();
    const john = { type: 'staff', id: 123 };
    const at = new Date(now).toISOString();
    await service.open({ ...written, assigneeId: null }, asEmployee);
    const opened = { at, kind: 'opened', by: { type: 'employee', id: 7 } };
    const waiting = await service.find('T-1061');
    expect(waiting.ticket).toMatchObject({ id: 'T-1061', assigneeId: null, turnKey: null });
    expect(waiting.history).toEqual([opened]);
    const give = (assigneeId: number) => service.send('PATCH', '/tickets/T-1061', asStaff, { assigneeId });
    const assigned = { at, kind: 'assigned', to: 5, by: john };
    expect(await give(5)).toMatchObject({ status: 200, body: { history: [opened, assigned] } });
    const handedOn = { at, kind: 'handed_on', from: 5, to: 12, by: john };
    expect(await give(12)).toMatchObject({ status: 200, body: { history: [opened, assigned, handedOn] } });
    // A repeat changes nothing.
    expect(await give(12)).toMatchObject({ status: 200, body: { history: { length: 3 } } });
    const found = await service.find('T-1061', asEmployee);
    expect(found.ticket).toMatchObject({ assigneeId: 12, turnKey: 'T-1061' });
    expect(found.history).toEqual([opened, assigned, handedOn]);
    expect((await service.list())[0]).toEqual(found.ticket);
  });

  it('a ticket that was opened with an assignee keeps the key of that turn', async () => {
    await using service = await startService();
    await service.open(written);
    await service.send('PATCH', '/tickets/T-1061', asStaff, { assigneeId: 12 });
    const { ticket, history } = await service.find('T-1061');
    expect(ticket).toMatchObject({ assigneeId: 12, turnKey: written.key });
    expect(history.map(({ kind }) => kind)).toEqual(['opened', 'assigned', 'handed_on']);
  });

  it('only staff of the system assign its tickets: also not the person who opened it', async () => {
    await using service = await startService();
    const tomas = sessionOf({ user_id: 4, systems: ['AMS'], roles: ['User'] });
    const refused = { status: 403, body: { error: 'Only staff of TTS assign its tickets' } };
    for (const opener of [asEmployee, tomas]) {
      expect(await service.open({ ...written, key: 'one' }, opener)).toEqual(refused);
      const { body } = await service.open({ ...written, key: 'two', assigneeId: null }, opener);
      const { id } = body as Ticket;
      expect(await service.send('PATCH', `/tickets/${id}`, opener, { assigneeId: 5 })).toEqual(refused);
      expect((await service.find(id)).ticket.assigneeId).toBeNull();
    }
  });

  it.each([null, 0, -5, 1.5, '5', 1e300, undefined, [5], { id: 5 }])(
    'PATCH /tickets/T-1001 answers 400 to the assignee %j',
    async (assigneeId) => {
      await using service = await startService();
      const before = await service.find('T-1001');
      const { status, body } = await service.send('PATCH', '/tickets/T-1001', asStaff, { assigneeId });
      expect([status, (body as { error: string }).error]).toEqual([400, expect.stringContaining('assigneeId')]);
      expect(await service.find('T-1001')).toEqual(before);
    },
  );

  it('PATCH changes nothing but the assignee, and a history has at most 200 events', async () => {
    await using service = await startService();
    const before = await service.find('T-1001');
    const forged = { assigneeId: 300, title: 'Changed', system: 'BMS', requesterId: 1, history: [], turnKey: 'x' };
    await service.send('PATCH', '/tickets/T-1001', asStaff, forged);
    expect((await service.find('T-1001')).ticket).toEqual({ ...before.ticket, assigneeId: 300, turnKey: 'T-1001' });
    const statuses: number[] = [];
    for (let assignee = 301; assignee < 500; assignee += 1) {
      statuses.push((await service.send('PATCH', '/tickets/T-1001', asStaff, { assigneeId: assignee })).status);
    }
    expect(statuses.at(-1)).toBe(409);
    expect((await service.find('T-1001')).history).toHaveLength(200);
  });

  it('a title of 10 kB is refused, and HTML in a title is kept as text', async () => {
    await using service = await startService();
    expect((await service.open({ ...written, title: 'x'.repeat(10_000) })).status).toBe(413);
    const title = '<img src=x onerror=alert(1)>';
    expect(await service.open({ ...written, title })).toMatchObject({ status: 201, body: { title } });
    const { headers } = await askRaw(service.url, { target: '/tickets/T-1061', headers: asStaff });
    expect([headers['content-type'], headers['x-content-type-options']]).toEqual([
      'application/json; charset=utf-8',
      'nosniff',
    ]);
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
      body: '{"error":"Not found. This service has only GET and POST /tickets/, and GET and PATCH /tickets/<id>"}',
    });
  });
});
