import { setImmediate as nextTurn } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createRedisGuard, type RedisGuardOptions } from '../../../../server/src/platform/redis/redis-guard.ts';
import { createTimers } from '../../../support/time/timers.ts';

/** A command whose reply comes when a test says so. */
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
  const told: string[] = [];
  const clock = { nowMs: 0 };
  const redisGuard = createRedisGuard({
    redis,
    monotonicNow: () => clock.nowMs,
    startTimer: timers.start,
    onSilence: (cause) => told.push(`silent: ${cause}`),
    onAnswer: () => told.push('back'),
    onRefusal: (cause) => told.push(`refused: ${cause}`),
    ...options,
  });
  const commands = [createCommand(), createCommand()] as const;
  /** Both commands in one round trip. */
  const askBoth = () => Promise.all(redisGuard.together(() => commands.map(({ send }) => redisGuard.ask(send))));
  return { redis, timers, told, clock, redisGuard, commands, askBoth };
};

describe('commands that are asked together', () => {
  it.each([
    ['in their order', [0, 1]],
    ['the last one first', [1, 0]],
  ])('have each its own answer, %s', async (_name, order) => {
    const { commands, askBoth } = start();
    const answers = askBoth();
    expect(commands.map(({ isSent }) => isSent())).toEqual([true, true]);
    for (const index of order) {
      commands[index]?.reply(`reply ${index}`);
      await nextTurn();
    }
    expect(await answers).toEqual(['reply 0', 'reply 1']);
  });

  it('have each its own answer where Redis refuses one of them', async () => {
    const { commands, askBoth, told } = start();
    const answers = askBoth();
    commands[0].fail(errorReply("OOM command not allowed when used memory > 'maxmemory'."));
    commands[1].reply('read');
    expect(await answers).toEqual([null, 'read']);
    expect(told).toEqual(["refused: OOM command not allowed when used memory > 'maxmemory'."]);
  });

  it('are waited for once, and what has come by then counts', async () => {
    const { commands, askBoth, timers, told } = start();
    const answers = askBoth();
    await nextTurn();
    commands[1].reply('read');
    await nextTurn();
    timers.fire();
    expect(await answers).toEqual([null, 'read']);
    expect(timers.fired()).toEqual([250]);
    expect(told).toEqual(['silent: no answer within 250 ms']);
  });

  it('are both asked by the one who finds out whether Redis is back, and by nobody else', async () => {
    const { redisGuard, askBoth, timers, told, clock, commands } = start();
    const first = redisGuard.ask(() => new Promise<string>(() => {}));
    await nextTurn();
    timers.fire();
    expect(await first).toBeNull();
    expect(await askBoth()).toEqual([null, null]);
    expect(commands.map(({ isSent }) => isSent())).toEqual([false, false]);

    clock.nowMs = 1_000;
    const answers = askBoth();
    expect(await redisGuard.ask(async () => 'not asked')).toBeNull();
    commands[0].reply('one');
    commands[1].reply('other');
    expect(await answers).toEqual(['one', 'other']);
    expect(told).toEqual(['silent: no answer within 250 ms', 'back']);
  });

  it('leave it to others to find out whether Redis is back where nothing is asked after all', async () => {
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

it('a command that throws at once has no answer, and is no reason to throw', async () => {
  const { redisGuard, told } = start();
  const throwing = (): Promise<string> => {
    throw new Error('Connection is closed.');
  };
  expect(await redisGuard.ask(throwing)).toBeNull();
  expect(told).toEqual(['silent: Connection is closed.']);
});

it('an answer that comes after the wait changes nothing', async () => {
  const { redisGuard, commands, timers, told } = start();
  const answer = redisGuard.ask(commands[0].send);
  await nextTurn();
  timers.fire();
  expect(await answer).toBeNull();
  commands[0].reply('late');
  await nextTurn();
  expect(told).toEqual(['silent: no answer within 250 ms']);
});

it('commands of one turn of the event loop are written together, and are timed from then on', async () => {
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
