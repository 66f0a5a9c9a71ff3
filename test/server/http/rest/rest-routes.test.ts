import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOpenApiDocument } from '../../../../server/src/api/rest/openapi-document.ts';
import { isRestRoute, restRoutes } from '../../../../server/src/api/rest/rest-routes.ts';
import { askRest } from '../../../support/app/ask-rest.ts';
import type { Browser } from '../../../support/app/browser.ts';
import { askRaw, queryTarget } from '../../../support/app/raw-request.ts';
import { dialects, startApp, type TestApp } from '../../../support/app/start-app.ts';

const document = createOpenApiDocument({ version: '1.0.0' });
const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);
ajv.addSchema({ $id: 'document', ...document });

/** The faults of an answer, by the schema of the document. */
const faultsOf = (method: string, path: string, data: unknown): unknown => {
  const pointer = `/paths/${encodeURIComponent(path.replaceAll('/', '~1'))}/${method.toLowerCase()}`;
  const validate = ajv.getSchema(`document#${pointer}/responses/200/content/application~1json/schema`);
  if (validate === undefined) throw new Error(`The document has no ${method} ${path}.`);
  return (validate(data) as boolean) ? [] : validate.errors;
};

const rotation = { system: 'TTS', role: 'Technician' };

type Case = {
  procedure: string;
  path: string;
  json?: unknown;
  trpc: (browser: Browser) => Promise<unknown>;
};

const cases: Case[] = [
  { procedure: 'session.me', path: '/session', trpc: ({ trpc }) => trpc.session.me.query() },
  { procedure: 'users.byId', path: '/users/5', trpc: ({ trpc }) => trpc.users.byId.query({ id: 5 }) },
  {
    procedure: 'users.byIds',
    path: '/users/query',
    json: { ids: [123, 5, 99_999, 5] },
    trpc: ({ trpc }) => trpc.users.byIds.query({ ids: [123, 5, 99_999, 5] }),
  },
  {
    procedure: 'users.byCompanyId',
    path: '/users/by-company/MA0001',
    trpc: ({ trpc }) => trpc.users.byCompanyId.query({ companyId: 'MA0001' }),
  },
  {
    procedure: 'users.byRole',
    path: '/systems/tts/roles/Technician/users',
    trpc: ({ trpc }) => trpc.users.byRole.query(rotation),
  },
  { procedure: 'employees.byId', path: '/employees/1', trpc: ({ trpc }) => trpc.employees.byId.query({ id: 1 }) },
  {
    procedure: 'assignments.candidates',
    path: '/assignments/TTS/Technician',
    trpc: ({ trpc }) => trpc.assignments.candidates.query(rotation),
  },
  {
    procedure: 'assignments.peek',
    path: '/assignments/TTS/Technician/next?exclude=1,5&exclude=12',
    trpc: ({ trpc }) => trpc.assignments.peek.query({ ...rotation, exclude: [1, 5, 12] }),
  },
  {
    procedure: 'assignments.next',
    path: '/assignments/TTS/Technician/next',
    json: { key: 'TICKET-1', exclude: [1] },
    trpc: async ({ trpc }) => ({
      ...(await trpc.assignments.next.mutate({ ...rotation, key: 'TICKET-1', exclude: [1] })),
      replayed: false,
    }),
  },
  {
    procedure: 'assignments.reassign',
    // The key of the case before.
    path: '/assignments/TTS/Technician/reassign',
    json: { key: 'TICKET-1', exclude: [5] },
    trpc: async ({ trpc }) => ({
      ...(await trpc.assignments.next.mutate({ ...rotation, key: 'TICKET-1' })),
      replayed: false,
    }),
  },
  {
    procedure: 'assignments.setAvailability',
    path: '/assignments/tts/availability',
    json: { away: true, until: '2099-12-24T08:00:00.5+01:00', note: 'Holiday', userId: 12 },
    trpc: async ({ trpc }) => {
      const { people } = await trpc.assignments.rotation.query(rotation);
      expect(people.at(-1)).toMatchObject({
        user: { id: 12 },
        away: { until: new Date('2099-12-24T07:00:00.500Z'), note: 'Holiday' },
      });
      return null;
    },
  },
  {
    procedure: 'assignments.rotation',
    path: '/assignments/TTS/Technician/rotation',
    trpc: ({ trpc }) => trpc.assignments.rotation.query(rotation),
  },
  {
    procedure: 'assignments.history',
    path: '/assignments/TTS/Technician/history?limit=1',
    trpc: ({ trpc }) => trpc.assignments.history.query({ ...rotation, limit: 1 }),
  },
  {
    procedure: 'assignments.reset',
    path: '/assignments/TTS/Technician/reset',
    trpc: async ({ trpc }) => {
      const { people } = await trpc.assignments.rotation.query(rotation);
      expect(people.map(({ turns }) => turns)).toEqual([0, 0, 0, 0, 0]);
      return null;
    },
  },
  { procedure: 'status.get', path: '/status', trpc: ({ trpc }) => trpc.status.get.query() },
];

it('has a case for every route of the table', () => {
  const routed = Object.entries(restRoutes).flatMap(([name, route]) => (isRestRoute(route) ? [name] : []));
  expect(cases.map(({ procedure }) => procedure).toSorted()).toEqual(routed.toSorted());
});

describe.each(dialects)('the REST mirror in front of the %s dialect', (dialect) => {
  let app: TestApp;
  let browser: Browser;
  let bearer: Record<string, string>;
  beforeAll(async () => {
    app = await startApp({ dialect, env: { RATE_LIMIT_PER_MINUTE: '0', ASSIGNMENT_ROLES: 'TTS:Technician' } });
    const tokens = await app.authService.issue({ type: 'staff', id: 123 });
    bearer = { authorization: `Bearer ${tokens.access}` };
    browser = app.browser();
    browser.holdTokens(tokens);
  });
  afterAll(() => app[Symbol.asyncDispose]());

  it.each(cases)('answers $path with the data of $procedure as plain JSON', async ({ procedure, path, json, trpc }) => {
    const route = restRoutes[procedure];
    if (!isRestRoute(route)) throw new Error(`${procedure} has no route.`);
    const { method } = route;
    const answer = await askRest(app.url, { method, path, headers: bearer, ...(json === undefined ? {} : { json }) });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
    expect(answer.json).toEqual(JSON.parse(JSON.stringify(await trpc(browser))));
    expect(faultsOf(method, route.path, answer.json)).toEqual([]);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'x-session-user': 'staff:123' });
    expect(answer.headers['x-session-expires-in']).toMatch(/^\d+$/);
  });

  it('assigns without a body, and the next request gets the next person', async () => {
    const next = () => askRest(app.url, { method: 'POST', path: '/assignments/TTS/Technician/next', headers: bearer });
    const [first, second] = [await next(), await next()].map(({ json }) => json as { assignee: { id: number } });
    expect(first?.assignee.id).not.toBe(second?.assignee.id);
  });

  it('answers HEAD like GET, without a body', async () => {
    const [head, get] = [
      await askRest(app.url, { method: 'HEAD', path: '/users/5', headers: bearer }),
      await askRest(app.url, { path: '/users/5', headers: bearer }),
    ];
    expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', get.headers['content-length']]);
  });

  it('still refuses the id "7" over tRPC after the document was built and REST converted ids', async () => {
    expect((await askRaw(app.url, { target: '/bff/openapi.json' })).status).toBe(200);
    expect((await askRest(app.url, { path: '/users/5', headers: bearer })).status).toBe(200);
    const answer = await askRaw(app.url, {
      target: queryTarget('users.byId', { json: { id: '7' } }),
      headers: bearer,
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('Expected a whole number');
  });

  it('says in x-directory-stale that data is from the cache because the Auth Service failed', async () => {
    await using forgetful = await startApp({
      dialect,
      env: { DIRECTORY_FRESH_SECONDS: '0', DIRECTORY_STALE_SECONDS: '0' },
    });
    const tokens = await forgetful.authService.issue({ type: 'staff', id: 123 });
    const ask = () =>
      askRest(forgetful.url, { path: '/users/5', headers: { authorization: `Bearer ${tokens.access}` } });
    expect((await ask()).headers).not.toHaveProperty('x-directory-stale');
    forgetful.authService.fault('user', { kind: 'status', status: 500, body: '' });
    const stale = await ask();
    expect([stale.status, stale.headers['x-directory-stale']]).toEqual([200, '1']);
  });
});
