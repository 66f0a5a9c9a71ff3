import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createKeyHasher } from '../../server/src/platform/key-hasher.ts';
import { createRedisChannel } from '../../server/src/platform/redis/redis-channel.ts';
import { createRevocationMessages } from '../../server/src/session/family/revocation-messages.ts';
import { type Browser, reasonOf } from '../support/app/browser.ts';
import { holdEndpoint } from '../support/auth-service/hold-endpoint.ts';
import { hasRedis, startRedis } from '../support/redis/redis.ts';
import { signingKey, startApp, type TestApp } from '../support/app/start-app.ts';
import { heldBy, patientRedisMs, type Replicas, startHeldReplicas } from '../support/processes/start-replicas.ts';
import { john } from '../support/app/people.ts';
import { inRedis } from '../support/redis/in-redis.ts';

const channelName = 'auth-bff:sign-outs';

/** A Redis client of the test, separate from the BFF's. */
const connect = (url: string) => {
  const client = new Redis(url);
  return { client, [Symbol.dispose]: () => client.disconnect() };
};
const usedBytes = async (client: Redis) => Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);

/** Limits the memory of Redis until it rejects writes, as if keys of other applications had filled it. */
const fill = (test: Pick<Replicas, 'redis'>) =>
  inRedis(test.redis, async (client) => {
    await client.config('SET', 'maxmemory-policy', 'noeviction');
    await client.config('SET', 'maxmemory', String((await usedBytes(client)) + 1_000_000));
    let answer = 'OK';
    for (let at = 0; answer === 'OK'; at += 1) {
      answer = await client.set(`filler:${at}`, 'x'.repeat(50_000)).catch((error: Error) => error.message);
    }
    expect(answer).toContain('OOM command not allowed');
    // A client buffer that is freed afterwards must not leave room for writes.
    await client.config('SET', 'maxmemory', String(Math.floor((await usedBytes(client)) / 2)));
  });
const makeRoom = (test: Pick<Replicas, 'redis'>) =>
  inRedis(test.redis, (client) => client.config('SET', 'maxmemory', '0'));

const me = (browser: Browser) =>
  browser.trpc.session.me.query().then(
    () => 'answered',
    (error: { data?: { reason?: string } }) => error.data?.reason,
  );
const refresh = (browser: Browser) => reasonOf(browser.trpc.session.refresh.mutate());
const linesOf = (app: TestApp, message: RegExp) => app.logLines.filter(({ msg }) => message.test(String(msg)));
/** A pair of replicas whose monotonic clock the test advances. */
const start = async (options: Parameters<typeof startHeldReplicas>[0] = {}) => {
  let elapsedMs = 0;
  const monotonicNow = () => elapsedMs;
  const test = await startHeldReplicas({ monotonicNow, ...options });
  return {
    ...test,
    elapse: (ms: number) => {
      elapsedMs += ms;
    },
    /** Another replica over the same Redis and the same Auth Service. */
    startThird: () =>
      startApp({
        now: test.clock.now,
        monotonicNow,
        upstream: test.authService,
        env: { REDIS_URL: test.redis.url },
        redisTimeoutMs: patientRedisMs,
        startRedisTimer: test.redisTimers.start,
      }),
    [Symbol.asyncDispose]: () => test[Symbol.asyncDispose](),
  };
};

describe.skipIf(!hasRedis())('while Redis is full, a sign-out', () => {
  // A cluster accepts writes only 2 s after its start, so it starts while the other tests run.
  let starting: ReturnType<typeof startRedis>;
  beforeAll(() => {
    starting = startRedis({ isCluster: true });
    starting.catch(() => {});
  });
  afterAll(async () => (await starting)[Symbol.asyncDispose]());

  it('reaches the other replica, and the BFF logs a warning with an action once a minute', async () => {
    await using test = await start();
    await fill(test);
    await test.holder(test.first).trpc.session.logout.mutate();
    await vi.waitFor(async () => expect(await me(test.holder(test.second))).toBe('session_ended'));
    expect(await refresh(test.holder(test.second))).toBe('session_ended');
    expect(await refresh(test.holder(test.second, { refresh: test.tokens.refresh }))).toBe('session_ended');
    expect(test.authService.count('refresh')).toBe(0);
    expect(await inRedis(test.redis, (client) => client.keys('*:ended:*'))).toEqual([]);

    const other = await test.authService.issue(john);
    await test.holder(test.first, other).trpc.session.logout.mutate();
    await vi.waitFor(async () => expect(await me(test.holder(test.second, other))).toBe('session_ended'));
    const lines = () => linesOf(test.first, /^Redis rejected the write of sign-outs/);
    expect(lines()).toMatchObject([{ level: 50, cause: expect.stringMatching(/^OOM /) as string, waiting: 1 }]);
    test.elapse(60_000);
    await test.holder(test.first, await test.authService.issue(john)).trpc.session.logout.mutate();
    expect(lines()).toHaveLength(2);
  });

  it('with an older token of the session revokes all tokens of the session', async () => {
    await using test = await start();
    const browser = test.holder(test.first);
    await browser.trpc.session.refresh.mutate();
    const older = heldBy(browser);
    await browser.trpc.session.refresh.mutate();
    await fill(test);
    await test.holder(test.second, older).trpc.session.logout.mutate();
    await vi.waitFor(async () => expect(await me(test.holder(test.first, heldBy(browser)))).toBe('session_ended'));
    expect(await refresh(test.holder(test.first, { refresh: heldBy(browser).refresh }))).toBe('session_ended');
  });

  it('wins over a refresh in flight at the other replica', async () => {
    await using test = await start();
    await fill(test);
    const refreshEndpoint = holdEndpoint(test.authService, 'refresh');
    const late = test.holder(test.first);
    const refreshing = refresh(late);
    await refreshEndpoint.held;
    await test.holder(test.second).trpc.session.logout.mutate();
    await vi.waitFor(async () => expect(await me(test.holder(test.first))).toBe('session_ended'));
    refreshEndpoint.release();
    expect(await refreshing).toBe('session_ended');
    expect(late.setCookies).toEqual([]);
  });

  it('is stored once Redis has room again, and is read by a replica that starts afterwards', async () => {
    await using test = await start();
    await fill(test);
    await test.holder(test.first).trpc.session.logout.mutate();
    await makeRoom(test);
    await vi.waitFor(async () =>
      expect(await inRedis(test.redis, (client) => client.keys('*:ended:*'))).toHaveLength(1),
    );
    await using third = await test.startThird();
    expect(await me(test.holder(third))).toBe('session_ended');
  });

  it('that was stored before is also enforced by a replica that starts now', async () => {
    await using test = await start();
    await test.holder(test.first).trpc.session.logout.mutate();
    await fill(test);
    await using third = await test.startThird();
    expect(await refresh(test.holder(third, { refresh: test.tokens.refresh }))).toBe('session_ended');
    expect(test.authService.count('refresh')).toBe(0);
    expect(await me(test.holder(third))).toBe('session_ended');
  });

  it('is published again within 10 s for a replica that started after it', async () => {
    await using test = await start();
    await fill(test);
    await test.holder(test.first).trpc.session.logout.mutate();
    await using third = await test.startThird();
    expect(await me(test.holder(third))).toBe('answered');
    test.elapse(10_000);
    await vi.waitFor(async () => expect(await me(test.holder(third))).toBe('session_ended'));
  });

  it('reaches a replica that has resubscribed after a broken connection', async () => {
    await using test = await start();
    await inRedis(test.redis, (client) => client.client('KILL', 'TYPE', 'pubsub'));
    const subscribers = () => inRedis(test.redis, (client) => client.pubsub('NUMSUB', channelName));
    await vi.waitFor(async () => expect(await subscribers()).toEqual([channelName, 2]));
    await fill(test);
    await test.holder(test.first).trpc.session.logout.mutate();
    await vi.waitFor(async () => expect(await me(test.holder(test.second))).toBe('session_ended'));
  });

  it('whose publication Redis rejects too is logged, and reaches the other replica once Redis permits it', async () => {
    await using test = await start();
    await fill(test);
    await inRedis(test.redis, (client) => client.acl('SETUSER', 'default', '-publish'));
    await test.holder(test.first).trpc.session.logout.mutate();
    expect(await me(test.holder(test.first))).toBe('session_ended');
    expect(await me(test.holder(test.second))).toBe('answered');
    expect(linesOf(test.first, /^Sign-outs do not reach the other replicas/)).toMatchObject([
      { level: 50, cause: expect.stringMatching(/^OOM /) as string, waiting: 1 },
    ]);
    await test.holder(test.first, await test.authService.issue(john)).trpc.session.logout.mutate();
    expect(linesOf(test.first, /^Sign-outs do not reach the other replicas/)).toHaveLength(1);
    await inRedis(test.redis, (client) => client.acl('SETUSER', 'default', '+publish'));
    test.elapse(10_000);
    await vi.waitFor(async () => expect(await me(test.holder(test.second))).toBe('session_ended'));
  });

  it('reaches the other replica over a cluster', async () => {
    const redis = await starting;
    await using test = await start({ env: { REDIS_URL: `${redis.url}?cluster=true` } });
    const full = { ...test, redis };
    await test.holder(test.first).trpc.session.me.query();
    await fill(full);
    await test.holder(test.first).trpc.session.logout.mutate();
    await vi.waitFor(async () => expect(await me(test.holder(test.second))).toBe('session_ended'));
    await makeRoom(full);
    await vi.waitFor(async () =>
      expect(await inRedis(full.redis, (client) => client.keys('*:ended:*'))).toHaveLength(1),
    );
  });
});

describe.skipIf(!hasRedis())('the channel for sign-outs', () => {
  it('has a name that starts with REDIS_PREFIX, and carries no tokens', async () => {
    await using test = await start({ env: { REDIS_PREFIX: 'team-a:' } });
    const texts: string[] = [];
    using connection = connect(test.redis.url);
    const { client } = connection;
    expect(await client.pubsub('CHANNELS')).toEqual(['team-a:sign-outs']);
    client.on('message', (_channel, text: string) => void texts.push(text));
    await client.subscribe('team-a:sign-outs');
    await test.holder(test.first).trpc.session.logout.mutate();
    await vi.waitFor(() => expect(texts).toHaveLength(1));
    expect(texts[0]).toMatch(
      /^[\w-]{43}\{"what":"ended","isProven":true,"atMs":\d+,"names":\[(\["[\w-]{43}",\d+\],?)+\]\}$/,
    );
    for (const token of Object.values(test.tokens)) expect(texts[0]).not.toContain(token.split('.')[2]);
  });

  it('ignores messages that were signed with another key', async () => {
    await using test = await start();
    const others = createRevocationMessages({
      keyHasher: createKeyHasher({ sealingSecret: 'the key of another application' }),
      channel: channelName,
      now: test.clock.now,
      maxTtlMs: 86_400_000,
    });
    const names: Array<[string, number]> = [['n'.repeat(43), test.clock.now() + 60_000]];
    const texts = [
      '',
      'x',
      '{}',
      `${'a'.repeat(43)}{"what":"ended"`,
      'y'.repeat(1_000_000),
      ...others.encode({ what: 'ended', isProven: true, atMs: test.clock.now(), names }),
    ];
    await inRedis(test.redis, async (client) => {
      for (const text of texts) await client.publish(channelName, text);
    });
    for (const app of [test.first, test.second]) expect(await me(test.holder(app))).toBe('answered');
  });

  it('is reported in the log if Redis forbids the subscription, and nothing else is affected', async () => {
    await using test = await start();
    await inRedis(test.redis, (client) => client.acl('SETUSER', 'default', 'resetchannels'));
    await using third = await test.startThird();
    expect(linesOf(third, /^Redis rejected SUBSCRIBE/)).toMatchObject([
      { level: 50, channel: channelName, cause: expect.stringMatching(/^NOPERM /) as string },
    ]);
    await test.holder(test.first).trpc.session.logout.mutate();
    expect(await me(test.holder(third))).toBe('session_ended');
  });

  it('is resubscribed once Redis permits it', async () => {
    await using redis = await startRedis();
    using own = connect(redis.url);
    using others = connect(redis.url);
    const { client: admin } = others;
    await admin.acl('SETUSER', 'default', 'resetchannels');
    const refusals: string[] = [];
    const channel = createRedisChannel({
      redis: own.client,
      name: 'a channel',
      retryMs: 5,
      onRefused: (cause) => void refusals.push(cause),
    });
    const texts: string[] = [];
    channel.onMessage((text) => void texts.push(text));
    await vi.waitFor(() => expect(refusals).toEqual([expect.stringMatching(/^NOPERM /)]));
    await admin.acl('SETUSER', 'default', 'allchannels');
    await vi.waitFor(async () => expect(await admin.pubsub('NUMSUB', 'a channel')).toEqual(['a channel', 1]));
    await channel.publish('text');
    await vi.waitFor(() => expect(texts).toEqual(['text']));
    expect(refusals).toHaveLength(1);
    channel.close();
  });

  it('is unsubscribed when the service stops', async () => {
    await using test = await start();
    {
      await using third = await test.startThird();
      expect(await inRedis(test.redis, (client) => client.pubsub('NUMSUB', channelName))).toEqual([channelName, 3]);
      await third.app.close();
    }
    await vi.waitFor(async () =>
      expect(await inRedis(test.redis, (client) => client.pubsub('NUMSUB', channelName))).toEqual([channelName, 2]),
    );
  });
});

describe('a sign-out message', () => {
  const options = {
    keyHasher: createKeyHasher({ sealingSecret: signingKey }),
    channel: 'a',
    now: () => 1_000,
    maxTtlMs: 5_000,
  };
  const messages = createRevocationMessages(options);
  const name = 'n'.repeat(43);
  const message = { what: 'ended', isProven: true, atMs: 1_000 } as const;

  it('decodes to the names that were encoded, with their expiry capped', () => {
    const [text = ''] = messages.encode({
      ...message,
      names: [
        [name, 2_000],
        [name, 1e15],
      ],
    });
    expect(messages.decode(text)).toEqual({
      ...message,
      names: [
        [name, 2_000],
        [name, 6_000],
      ],
    });
  });

  it('is rejected if it was changed, was made for another channel, or is too long', () => {
    const [text = ''] = messages.encode({ ...message, names: [[name, 2_000]] });
    expect(messages.decode(text.replace('2000', '3000'))).toBeNull();
    expect(messages.decode(text.slice(1))).toBeNull();
    expect(createRevocationMessages({ ...options, channel: 'b' }).decode(text)).toBeNull();
    const padded = ' '.repeat(70_000);
    const signature = options.keyHasher('message', `a\0${padded}`);
    expect(messages.decode(`${signature}${padded}`)).toBeNull();
  });

  it('is split if it names many tokens', () => {
    const names = Array.from({ length: 1_200 }, (): [string, number] => [name, 2_000]);
    const texts = messages.encode({ ...message, names });
    expect(texts).toHaveLength(3);
    expect(texts.map((text) => messages.decode(text)?.names.length)).toEqual([500, 500, 200]);
  });
});
