import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedAuthService, startAuthService } from '../../server/dev/auth-service/auth-service.ts';
import { createBrowser, reasonOf } from '../support/app/browser.ts';
import { john, johnsCredentials } from '../support/app/people.ts';
import { apiKey, signingKey } from '../support/app/start-app.ts';
import { freePort, type RunningProcess, runProgram } from '../support/processes/run-process.ts';
import { hasRedis, type RedisServer, startRedis } from '../support/redis/redis.ts';
import { createPacking } from './packing.ts';
import { serviceEnvironment } from '../support/processes/service-environment.ts';

/** An npm name with a version, or the path of a tarball. Without it, the packed server runs beside itself. */
const previousServer = process.env.PREVIOUS_SERVER;

const call = { system: 'TTS', role: 'Technician' } as const;
type Version = 'this version' | 'the previous version';
type Replica = RunningProcess & { url: string; number: string };

describe.skipIf(!hasRedis())('two versions of the server over one Redis', () => {
  let redis: RedisServer;
  let authService: EmbeddedAuthService;
  let packing: ReturnType<typeof createPacking>;
  let replicas: Record<Version, Replica>;

  const start = async (folder: string): Promise<Replica> => {
    const server = join(folder, 'node_modules/@auth-bff/server');
    const port = await freePort();
    const running = runProgram({
      program: process.execPath,
      args: [join(server, 'dist/main.js')],
      cwd: folder,
      env: serviceEnvironment(authService.url, {
        REDIS_URL: redis.url,
        PORT: String(port),
        COOKIE_SECURE: 'false',
      }),
    });
    await running.printed(/"msg":"Listening\."/);
    const { version } = JSON.parse(readFileSync(join(server, 'package.json'), 'utf8')) as { version: string };
    return { ...running, url: `http://127.0.0.1:${port}`, number: version };
  };

  beforeAll(async () => {
    redis = await startRedis();
    authService = await startAuthService({ signingKey, apiKey });
    packing = createPacking('server');
    const folder = await packing.project('this');
    const previous = previousServer === undefined ? folder : await packing.install('previous', [previousServer]);
    replicas = { 'this version': await start(folder), 'the previous version': await start(previous) };
    process.stdout.write(
      `${replicas['this version'].number} beside ${previousServer === undefined ? 'itself: PREVIOUS_SERVER is not set' : replicas['the previous version'].number}\n`,
    );
  }, 240_000);
  afterAll(async () => {
    for (const replica of Object.values(replicas ?? {})) await replica[Symbol.asyncDispose]();
    await authService?.close();
    await redis?.[Symbol.asyncDispose]();
    packing?.[Symbol.dispose]();
  }, 60_000);

  describe.each<[Version, Version]>([
    ['the previous version', 'this version'],
    ['this version', 'the previous version'],
  ])('what %s does, %s knows:', (one, other) => {
    /** A browser with a session, on one version or the other. */
    const visit = async (id: number = john.id) => {
      const cookies = new Map<string, string>();
      const on = (version: Version) => createBrowser({ url: replicas[version].url, cookies }).trpc;
      createBrowser({ url: replicas[one].url, cookies }).holdTokens(await authService.issue({ type: 'staff', id }));
      return { cookies, on };
    };
    /** The session of the same tokens in another browser. */
    const stolen = (cookies: ReadonlyMap<string, string>, version: Version) =>
      createBrowser({ url: replicas[version].url, cookies: new Map(cookies) }).trpc;
    const key = (name: string) => `${one} ${name}`;

    it('a session, and its refresh', async () => {
      const { on, cookies } = await visit();
      await on(one).session.login.mutate(johnsCredentials);
      const before = new Map(cookies);
      await on(one).session.refresh.mutate();
      expect(await on(other).session.current.query()).toMatchObject({ state: 'signed_in' });
      // A late refresh with the token that was exchanged gets the result of the first.
      const late = new Map(before);
      await createBrowser({ url: replicas[other].url, cookies: late }).trpc.session.refresh.mutate();
      expect(late.get('refresh_token')).toBe(cookies.get('refresh_token'));
      await on(other).session.refresh.mutate();
      expect(await on(one).session.current.query()).toMatchObject({ state: 'signed_in' });
    });

    it('a sign-out, and a sign-out everywhere', async () => {
      // All sessions of the person that began up to this second end, so each direction has its own, and neither is John.
      const id = one === 'this version' ? 5 : 2;
      const [first, second, third] = [await visit(id), await visit(id), await visit(id)];
      const [copy, copyOfThird] = [new Map(first.cookies), new Map(third.cookies)];
      await first.on(one).session.logout.mutate();
      expect(await stolen(copy, other).session.current.query()).toEqual({ state: 'signed_out' });
      expect(await reasonOf(stolen(copy, other).session.refresh.mutate())).toBe('session_ended');
      await second.on(one).session.logoutEverywhere.mutate();
      expect(await stolen(copyOfThird, other).session.current.query()).toEqual({ state: 'signed_out' });
    });

    it('turns, in one order, and keys', async () => {
      const { on } = await visit();
      const { users: candidates } = await on(one).assignments.candidates.query(call);
      const turns: Array<number | undefined> = [];
      for (let turn = 0; turn < candidates.length; turn += 1) {
        const version = turn % 2 === 0 ? one : other;
        const { assignee } = await on(version).assignments.next.mutate({ ...call, key: key(`T-${turn}`) });
        turns.push(assignee?.id);
      }
      expect(new Set(turns).size).toBe(candidates.length);
      for (const [turn, id] of turns.entries()) {
        const replayed = await on(turn % 2 === 0 ? other : one).assignments.next.mutate({
          ...call,
          key: key(`T-${turn}`),
        });
        expect(replayed).toMatchObject({ assignee: { id }, replayed: true });
      }
    });

    it('a handover, the history, and who is away', async () => {
      const { on } = await visit();
      const ticket = key('handed over');
      await on(one).assignments.next.mutate({ ...call, key: ticket });
      const handedOver = await on(other).assignments.reassign.mutate({ ...call, key: ticket });
      expect(await on(one).assignments.next.mutate({ ...call, key: ticket })).toMatchObject({
        assignee: { id: handedOver.assignee?.id },
        replayed: true,
      });
      const { entries } = await on(one).assignments.history.query({ ...call, limit: 2 });
      expect(entries.map(({ kind }) => kind)).toEqual(['reassigned', 'assigned']);
      await on(one).assignments.setAvailability.mutate({ system: 'TTS', away: true, note: 'dentist' });
      const { people } = await on(other).assignments.rotation.query(call);
      expect(people.find(({ user }) => user.id === john.id)?.away).toMatchObject({ note: 'dentist' });
      await on(other).assignments.setAvailability.mutate({ system: 'TTS', away: false });
    });
  });
});
