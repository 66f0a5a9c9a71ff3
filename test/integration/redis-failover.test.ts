import { describe, expect, it, vi } from 'vitest';
import { createLog } from '../../server/src/platform/log.ts';
import { createRedis } from '../../server/src/platform/redis/redis.ts';
import { redisErrorCode, toRedisCause } from '../../server/src/platform/redis/redis-errors.ts';
import { reasonOf } from '../support/app/browser.ts';
import { browserOf } from '../support/app/crowd.ts';
import { startFakeRedis } from '../support/redis/fake-redis.ts';
import { hasRedis, type RedisServer, startRedis } from '../support/redis/redis.ts';
import { startRedisProxy } from '../support/redis/redis-proxy.ts';
import { createClock, startApp } from '../support/app/start-app.ts';
import { inRedis } from '../support/redis/in-redis.ts';

/** The error reply of Redis 6.0 to 6.2 for an error within a script. */
const inScript = (error: string) =>
  `ERR Error running script (call to f_db8d8f6383e1a67ce23db65efd679a334c123806): @user_script:17: @user_script: 17: -${error}. `;
const readOnly = "READONLY You can't write against a read only replica";
const masterDown = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'";

/** Rewrites replies of Redis 7 into the wording of Redis 6.2. */
const wordAs62 = (answer: string) =>
  answer.replaceAll(
    /^-(READONLY|NOREPLICAS) ([^\r\n.]*)[^\r\n]*/gm,
    (_line, code: string, text: string) => `-${inScript(`${code} ${text}`)}`,
  );

const runCommand = (server: Pick<RedisServer, 'url'>, ...[name, ...args]: [string, ...string[]]) =>
  inRedis(server, (client) => client.call(name, ...args));

/** A primary with a replica, and a BFF that connects through a proxy whose target the test changes. */
const start = async ({ rewrite }: { rewrite?: (answer: string) => string } = {}) => {
  const [primary, replica] = [await startRedis(), await startRedis()];
  await runCommand(primary, 'CONFIG', 'SET', 'repl-diskless-sync-delay', '0');
  await runCommand(replica, 'REPLICAOF', '127.0.0.1', String(primary.port));
  await vi.waitFor(async () => expect(await runCommand(replica, 'INFO')).toContain('master_link_status:up'), 10_000);
  const proxy = await startRedisProxy({ port: primary.port, ...(rewrite === undefined ? {} : { rewrite }) });
  let aheadMs = 0;
  const app = await startApp({
    now: createClock().now,
    monotonicNow: () => performance.now() + aheadMs,
    env: { REDIS_URL: proxy.url },
  });
  const { trpc } = await browserOf(app, 2);
  const next = () => trpc.assignments.next.mutate({ system: 'TTS', role: 'Technician' });
  return {
    app,
    primary,
    replica,
    proxy,
    next,
    nextId: async () => (await next()).assignee?.id,
    /** Advances the clock of the BFF, whose reconnects are limited to one a second. */
    advance: (ms: number) => {
      aheadMs += ms;
    },
    linesOf: (message: RegExp) => app.logLines.filter(({ msg }) => message.test(String(msg))),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await replica[Symbol.asyncDispose]();
      await primary[Symbol.asyncDispose]();
    },
  };
};

describe.skipIf(!hasRedis())('after a failover, assignments continue with the next person', () => {
  it.each([
    ['Redis 7', undefined],
    ['Redis 6.2, which wraps the errors of scripts', wordAs62],
  ])(
    'with %s',
    async (_version, rewrite) => {
      await using test = await start(rewrite === undefined ? {} : { rewrite });
      expect([await test.nextId(), await test.nextId()]).toEqual([1, 5]);
      const acknowledged = await runCommand(test.primary, 'WAIT', '1', '5000');
      expect(acknowledged).toBe(1);

      await runCommand(test.replica, 'REPLICAOF', 'NO', 'ONE');
      await runCommand(test.primary, 'REPLICAOF', '127.0.0.1', String(test.replica.port));
      test.proxy.redirect(test.replica.port);
      await vi.waitFor(async () => expect(await test.nextId()).toBe(12), { timeout: 8_000, interval: 20 });
      expect(await test.nextId()).toBe(23);
      // The connection that subscribes to sign-outs reconnects too.
      await vi.waitFor(() => expect(test.proxy.connections()).toBe(4));
      expect(
        test.linesOf(/^REDIS_URL leads to a read-only replica/).map(({ cause }) => String(cause).split(' ')[0]),
      ).toEqual(['READONLY']);
    },
    30_000,
  );

  it('with a former primary that serves no data until it has synchronised with the new one', async () => {
    await using test = await start();
    expect(await test.nextId()).toBe(1);
    await runCommand(test.primary, 'WAIT', '1', '5000');
    await runCommand(test.replica, 'REPLICAOF', 'NO', 'ONE');
    await runCommand(test.primary, 'CONFIG', 'SET', 'replica-serve-stale-data', 'no');
    await runCommand(test.primary, 'REPLICAOF', '127.0.0.1', '1');
    test.proxy.redirect(test.replica.port);
    await vi.waitFor(async () => expect(await test.nextId()).toBe(5), { timeout: 8_000, interval: 20 });
  }, 30_000);

  it('if the same Redis becomes a replica and then a primary again', async () => {
    await using test = await start();
    expect(await test.nextId()).toBe(1);
    await runCommand(test.primary, 'REPLICAOF', '127.0.0.1', '1');
    expect(await reasonOf(test.next())).toBe('store_unavailable');
    await runCommand(test.primary, 'REPLICAOF', 'NO', 'ONE');
    test.advance(1_000);
    await vi.waitFor(async () => expect(await test.nextId()).toBe(5), { timeout: 8_000, interval: 20 });
  }, 30_000);
});

describe('a Redis client', () => {
  const startClient = async (error: string) => {
    const redis = await startFakeRedis({
      answer: ([name = '']) => (/^set$/i.test(name) ? `-${error}\r\n` : null),
    });
    const lines: Array<Record<string, unknown>> = [];
    const log = createLog({
      logLevel: 'info',
      destination: { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
    });
    let nowMs = 0;
    const connection = createRedis({ url: redis.url, log, monotonicNow: () => nowMs });
    await connection.untilReady();
    return {
      redis,
      lines,
      connection,
      advance: (ms: number) => {
        nowMs += ms;
      },
      /** Returns the error message of a failed write. */
      async write(): Promise<string> {
        try {
          return (await connection.redis.set('key', 'value')) ?? '';
        } catch (failure) {
          return String(failure);
        }
      },
      ready: () => vi.waitFor(() => expect(connection.redis.status).toBe('ready'), { timeout: 5_000, interval: 5 }),
      async [Symbol.asyncDispose]() {
        connection.close();
        await redis[Symbol.asyncDispose]();
      },
    };
  };

  it.each([
    `${readOnly}.`,
    `${readOnly}. script: db8d8f6383e1a67ce23db65efd679a334c123806, on @user_script:1.`,
    inScript(readOnly),
    `${masterDown}.`,
    inScript(masterDown),
    'LOADING Redis is loading the dataset in memory',
  ])('reconnects after the error reply %j, and does not resend the command', async (error) => {
    await using test = await startClient(error);
    expect(await test.write()).toContain(error.trim());
    await vi.waitFor(() => expect(test.redis.connections()).toBe(2), { timeout: 5_000 });
    await test.ready();
    expect(test.redis.commands.filter(([name]) => name === 'set')).toHaveLength(1);
  });

  it.each([
    'MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.',
    inScript('NOREPLICAS Not enough good replicas to write'),
    "OOM command not allowed when used memory > 'maxmemory'.",
    "NOPERM this user has no permissions to run the 'set' command",
    'ERR unknown command `READONLYISH`, with args beginning with: `READONLY_KEY`, ',
    'WRONGTYPE Operation against a key holding the wrong kind of value',
  ])('keeps its connection after the error reply %j', async (error) => {
    await using test = await startClient(error);
    expect(await test.write()).toContain(error.trim());
    expect(await test.connection.redis.ping()).toBe('OK');
    expect(test.redis.connections()).toBe(1);
  });

  it('reports Redis as down if the new connection fails too', async () => {
    await using test = await startClient(inScript(readOnly));
    await test.write();
    await test.redis[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(test.lines.map(({ msg }) => String(msg))).toHaveLength(2), { timeout: 5_000 });
    expect(test.lines[1]?.msg).toMatch(/^Redis is down/);
    expect(test.connection.state()).toBe('away');
  });

  it('reconnects once a second while it reaches a read-only replica, and logs a warning once a minute', async () => {
    await using test = await startClient(inScript(readOnly));
    for (const connections of [2, 3, 4]) {
      await test.write();
      await vi.waitFor(() => expect(test.redis.connections()).toBe(connections), { timeout: 5_000 });
      await test.ready();
      // Within the same second.
      await test.write();
      expect(await test.connection.redis.ping()).toBe('OK');
      test.advance(1_000);
    }
    expect(test.redis.connections()).toBe(4);
    const messages = () => test.lines.map(({ msg }) => String(msg));
    expect(messages()).toEqual([expect.stringMatching(/^REDIS_URL leads to a read-only replica/)]);
    expect(test.lines[0]?.cause).toMatch(/^READONLY You can't write/);
    test.advance(60_000);
    await test.write();
    expect(messages()).toHaveLength(2);
  });
});

describe.skipIf(!hasRedis())('a script error of Redis 6.2', () => {
  it('is logged with its error code', async () => {
    await using test = await start({ rewrite: wordAs62 });
    await runCommand(test.primary, 'CONFIG', 'SET', 'min-replicas-to-write', '5');
    expect(await reasonOf(test.next())).toBe('store_unavailable');
    expect(test.linesOf(/^Redis rejected/).map(({ cause }) => cause)).toEqual([
      'NOREPLICAS Not enough good replicas to write.',
    ]);
  }, 30_000);
});

describe('the code of an error reply', () => {
  it.each<[string, ReturnType<typeof redisErrorCode>]>([
    [`${readOnly}.`, 'READONLY'],
    [inScript(readOnly), 'READONLY'],
    [inScript("OOM command not allowed when used memory > 'maxmemory'"), 'OOM'],
    [inScript('MISCONF Redis is configured to save RDB snapshots'), 'MISCONF'],
    ['NOSCRIPT No matching script. Please use EVAL.', 'NOSCRIPT'],
    ['BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.', 'BUSY'],
    ['MOVED 3999 127.0.0.1:6381', 'MOVED'],
    ['CLUSTERDOWN Hash slot not served', 'CLUSTERDOWN'],
    ['EXECABORT Transaction discarded because of previous errors.', 'EXECABORT'],
    ['Ready check failed: NOAUTH Authentication required.', 'NOAUTH'],
    ['WRONGPASS invalid username-password pair or user is disabled.', 'WRONGPASS'],
    ['BUSYKEY Target key name already exists.', null],
    ['ERR unknown command `MY-READONLYISH`, with args beginning with: ', null],
    ['connect ECONNREFUSED 127.0.0.1:6379', null],
  ])('of %j is %s', (message, code) => {
    expect(redisErrorCode(message)).toBe(code);
  });

  it('is the start of the logged cause, which contains no arguments', () => {
    expect(toRedisCause(inScript(readOnly))).toBe(`${readOnly}.`);
    const unknown = 'ERR unknown command `FOO`';
    expect(toRedisCause(`${unknown}, with args beginning with: \`secret\`, `)).toBe(unknown);
  });
});
