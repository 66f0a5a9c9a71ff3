import { setImmediate as nextTurn } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createRedisGuard, type RedisGuardOptions } from '../../../../server/src/platform/redis/redis-guard.ts';
import { createTimers } from '../../../support/time/timers.ts';

/** A command whose reply the test sends. */
const createCommand = () => {
  let isSent = false;
  let reply = (_answer: string): void => {};
  let fail = (_error: Error): void => {};
  const answer = new Promise<string>((resolve, reject) => {
    reply = resolve;
    fail = reject;
  });
  return {
    send: () => {
      isSent = true;
      return answer;
    },
    isSent: () => isSent,
    reply: (text: string) => reply(text),
    fail: (error: Error) => fail(error),
  };
};
const errorReply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });

const start = (options: Partial<RedisGuardOptions> = {}) => {
  const redis = new Redis({ lazyConnect: true });
  const timers = createTimers();
  const reported: string[] = [];
  const clock = { nowMs: 0 };
  const redisGuard = createRedisGuard({
    redis,
    monotonicNow: () => clock.nowMs,
    startTimer: timers.start,
    onOutage: (cause) => reported.push(`outage: ${cause}`),
    onRecovery: () => reported.push('recovery'),
    onRejected: (cause) => reported.push(`rejected: ${cause}`),
    ...options,
  });
  const commands = [createCommand(), createCommand()] as const;
  /** Both commands in one round trip. */
  const askBoth = () => Promise.all(redisGuard.together(() => commands.map(({ send }) => redisGuard.ask(send))));
  return { redis, timers, reported, clock, redisGuard, commands, askBoth };
};

describe('Commands in one round trip of the Redis guard', () => {
  it.each([
    ['in order', [0, 1]],
    ['in reverse order', [1, 0]],
  ])('resolve to their own replies if these arrive %s', async (_name, order) => {
    const { commands, askBoth } = start();
    const answers = askBoth();
    expect(commands.map(({ isSent }) => isSent())).toEqual([true, true]);
    for (const index of order) {
      commands[index]?.reply(`reply ${index}`);
      await nextTurn();
    }
    expect(await answers).toEqual(['reply 0', 'reply 1']);
  });

  it('resolve to null only for the command that Redis rejected', async () => {
    const { commands, askBoth, reported } = start();
    const answers = askBoth();
    commands[0].fail(errorReply("OOM command not allowed when used memory > 'maxmemory'."));
    commands[1].reply('read');
    expect(await answers).toEqual([null, 'read']);
    expect(reported).toEqual(["rejected: OOM command not allowed when used memory > 'maxmemory'."]);
  });

  it('share one timeout, and keep the replies that arrived before it', async () => {
    const { commands, askBoth, timers, reported } = start();
    const answers = askBoth();
    await nextTurn();
    commands[1].reply('read');
    await nextTurn();
    timers.fire();
    expect(await answers).toEqual([null, 'read']);
    expect(timers.fired()).toEqual([250]);
    expect(reported).toEqual(['outage: no answer within 250 ms']);
  });

  it('are sent together by the one caller that retries during an outage, while other callers get null', async () => {
    const { redisGuard, askBoth, timers, reported, clock, commands } = start();
    const first = redisGuard.ask(() => new Promise<string>(() => {}));
    await nextTurn();
    timers.fire();
    expect(await first).toBeNull();
    expect(await askBoth()).toEqual([null, null]);
    expect(commands.map(({ isSent }) => isSent())).toEqual([false, false]);

    clock.nowMs = 1_000;
    const answers = askBoth();
    expect(await redisGuard.ask(async () => 'not sent')).toBeNull();
    commands[0].reply('one');
    commands[1].reply('other');
    expect(await answers).toEqual(['one', 'other']);
    expect(reported).toEqual(['outage: no answer within 250 ms', 'recovery']);
  });

  it('leave the retry during an outage to the next caller if they turn out to be none', async () => {
    const { redisGuard, timers, clock } = start();
    const first = redisGuard.ask(() => new Promise<string>(() => {}));
    await nextTurn();
    timers.fire();
    await first;
    clock.nowMs = 1_000;
    expect(redisGuard.together(() => 'nothing')).toBe('nothing');
    expect(await redisGuard.ask(async () => 'answered')).toBe('answered');
  });
});

it('The Redis guard resolves to null if a command throws synchronously', async () => {
  const { redisGuard, reported } = start();
  const throwing = (): Promise<string> => {
    throw new Error('Connection is closed.');
  };
  expect(await redisGuard.ask(throwing)).toBeNull();
  expect(reported).toEqual(['outage: Connection is closed.']);
});

it('The Redis guard ignores a reply that arrives after the timeout', async () => {
  const { redisGuard, commands, timers, reported } = start();
  const answer = redisGuard.ask(commands[0].send);
  await nextTurn();
  timers.fire();
  expect(await answer).toBeNull();
  commands[0].reply('late');
  await nextTurn();
  expect(reported).toEqual(['outage: no answer within 250 ms']);
});

it('The Redis guard writes the commands of one event-loop turn together, and starts their timeouts then', async () => {
  const { redis, redisGuard, commands, timers } = start();
  const calls: string[] = [];
  const stream = { cork: () => calls.push('hold'), uncork: () => calls.push('write') };
  redis.stream = stream as unknown as Redis['stream'];
  const answers = commands.map(({ send }) => redisGuard.ask(send));
  await Promise.resolve();
  expect(calls).toEqual(['hold']);
  timers.fire();
  expect(timers.fired()).toEqual([]);
  await nextTurn();
  expect(calls).toEqual(['hold', 'write']);
  timers.fire();
  expect(timers.fired()).toEqual([250, 250]);
  expect(await Promise.all(answers)).toEqual([null, null]);

  void redisGuard.ask(commands[0].send, { critical: true });
  await nextTurn();
  expect(calls).toEqual(['hold', 'write', 'hold', 'write']);
});
