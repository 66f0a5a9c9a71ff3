import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAuthClient, errorAction, reasonOf } from '../../../client/src/index.ts';
import { maxClientUrlBytes, maxIdsPerCall, maxUrlBytes } from '../../../shared/src/index.ts';
import { hasNginx, startBalancer } from '../../support/proxies/start-nginx.ts';
import { freePort, root } from '../../support/processes/run-process.ts';
import { dialects, startApp, type TestApp } from '../../support/app/start-app.ts';

/** As many ids as one call takes, each as long as a number can be: 16 digits. */
const ids = Array.from({ length: maxIdsPerCall }, (_, index) => Number.MAX_SAFE_INTEGER - index);

const urlOf = (input: string | URL | Request) => (input instanceof Request ? input.url : input.toString());

const openClient = async (app: TestApp, url = `${app.url}/trpc`) => {
  const browser = app.browser();
  browser.holdTokens(await app.authService.issue({ type: 'staff', id: 123 }));
  const targets: string[] = [];
  const client = createAuthClient({
    url,
    retry: false,
    fetch: (input, init) => {
      targets.push(urlOf(input));
      return browser.fetch(input, init);
    },
  });
  return { ...client, targets };
};

type Client = Awaited<ReturnType<typeof openClient>>;

/** Each call that takes ids: the result of a server that has read all of them. */
const expectAllAnswered = async ({ trpc, targets }: Client) => {
  const { users, notFound } = await trpc.users.byIds.query({ ids });
  expect([users, notFound]).toEqual([[], ids]);
  const exclude = [...ids.slice(1), 1];
  const peeked = await trpc.assignments.peek.query({ system: 'TTS', role: 'Technician', exclude });
  const assigned = await trpc.assignments.next.mutate({ system: 'TTS', role: 'Technician', exclude });
  for (const { assignee } of [peeked, assigned]) expect(assignee?.id).toBe(5);
  for (const target of targets) expect(target.length).toBeLessThanOrEqual(maxClientUrlBytes);
};

describe.each(dialects)('500 ids of 16 digits (%s)', (dialect) => {
  it('fit into one call', async () => {
    await using app = await startApp({ dialect });
    const client = await openClient(app);
    await expectAllAnswered(client);
    expect(client.targets).toHaveLength(3);
  });

  it('are split into one request per call when several calls are made in one tick', async () => {
    await using app = await startApp({ dialect });
    const { trpc, targets } = await openClient(app);
    const answers = await Promise.all([
      trpc.users.byIds.query({ ids }),
      trpc.assignments.peek.query({ system: 'TTS', role: 'Technician', exclude: ids }),
      trpc.users.byIds.query({ ids: ids.toReversed() }),
      trpc.users.byId.query({ id: 5 }),
    ]);
    expect(answers[0].notFound).toEqual(ids);
    expect(answers[2].notFound).toEqual(ids.toReversed());
    expect(targets.length).toBeLessThanOrEqual(4);
    for (const target of targets) expect(target.length).toBeLessThanOrEqual(maxClientUrlBytes);
  });
});

describe('the longest calls', () => {
  it('fit with the longest system and role names, in characters of 9 encoded bytes', async () => {
    await using app = await startApp();
    const { trpc, targets } = await openClient(app);
    const call = trpc.assignments.peek.query({ system: 'S'.repeat(32), role: '技'.repeat(100), exclude: ids });
    // The server has parsed the input, and rejects a person of another system.
    expect(await call.catch(reasonOf)).toBe('insufficient_permissions');
    expect(targets[0]?.length).toBeLessThanOrEqual(maxClientUrlBytes);
  });

  it('leave room for a path prefix of a proxy', async () => {
    await using app = await startApp();
    const { trpc, targets } = await openClient(app);
    await trpc.users.byIds.query({ ids });
    const [target = ''] = targets;
    expect(maxUrlBytes - (target.length - new URL(target).origin.length)).toBeGreaterThan(500);
  });

  it('are split earlier if the base path is long', async () => {
    await using app = await startApp();
    const ask = async (prefix: string) => {
      const sent: string[] = [];
      const { trpc } = createAuthClient({
        url: `${app.url}${prefix}/trpc`,
        retry: false,
        fetch: async (input) => {
          sent.push(new URL(urlOf(input)).href);
          throw new TypeError('fetch failed');
        },
      });
      const some = ids.slice(0, 280);
      const calls = [some, some].map((part) => trpc.users.byIds.query({ ids: part }));
      expect(await Promise.all(calls.map((call) => call.catch(errorAction)))).toEqual(['maintenance', 'maintenance']);
      return sent.map(({ length }) => length);
    };
    expect(await ask('')).toHaveLength(1);
    // 200 letters of 6 bytes each, as the browser sends them.
    const lengths = await ask(`/${'ü'.repeat(200)}`);
    expect(lengths).toHaveLength(2);
    for (const length of lengths) expect(length).toBeLessThanOrEqual(maxClientUrlBytes);
  });

  it('fail with a message and without a request if they exceed the URL limit', async () => {
    await using app = await startApp();
    const { trpc, targets } = await openClient(app);
    const error = await trpc.users.byIds.query({ ids: [...ids, ...ids] }).catch((cause: unknown) => cause);
    expect(errorAction(error)).toBe('bug');
    expect(String(error)).toContain('Input is too big');
    expect(targets).toEqual([]);
  });

  it('are mutations that are batched up to the body limit of the BFF', async () => {
    await using app = await startApp();
    const { trpc, targets } = await openClient(app);
    const calls = Array.from({ length: 30 }, () =>
      trpc.assignments.next.mutate({ system: 'TTS', role: 'Technician', exclude: ids }),
    );
    for (const { assignee } of await Promise.all(calls)) expect(assignee).not.toBeNull();
    expect(targets.length).toBeGreaterThan(1);
    expect(targets.length).toBeLessThan(30);
  });
});

describe.skipIf(!hasNginx())('500 ids of 16 digits by way of deploy/nginx.conf', () => {
  it('reach a replica through nginx, and the response returns', async () => {
    await using app = await startApp({ env: { TRUST_PROXY: '1' } });
    const address = `127.0.0.1:${await freePort()}`;
    const { host } = new URL(app.url);
    const site = readFileSync(join(root, 'deploy/nginx.conf'), 'utf8')
      .replace('bff-1:4000', host)
      .replace('bff-2:4000', host)
      .replace('listen 8080', `listen ${address}`);
    await using balancer = await startBalancer({ site });
    expect(balancer).toBeDefined();
    await expectAllAnswered(await openClient(app, `http://${address}/trpc`));
  });
});
