import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  BulkheadFull,
  type BulkheadOptions,
  createBulkhead,
} from '../../../../server/src/auth-service/resilience/bulkhead.ts';

/** A bulkhead whose tasks end when the test says so. Tasks are named after their sources: `a1`, `a2`, `b1`. */
const start = (options: BulkheadOptions) => {
  const run = createBulkhead(options);
  const running = new Map<string, () => void>();
  const events: string[] = [];
  const ended: Record<string, string> = {};
  const begin = (name: string, signal?: AbortSignal) => {
    const task = () =>
      new Promise<void>((resolve) => {
        running.set(name, resolve);
      });
    run(task, {
      source: name.charAt(0),
      signal,
      onQueued: () => events.push(`${name} waits`),
      onAdmitted: () => events.push(`${name} begins`),
    }).then(
      () => {
        ended[name] = 'done';
      },
      (error: unknown) => {
        ended[name] = error instanceof BulkheadFull ? 'full' : String(error);
      },
    );
  };
  return {
    /** Starts these tasks. Tells which of all are under way then. */
    async begin(names: string): Promise<string> {
      for (const name of names.split(' ')) begin(name);
      await nextTurn();
      return [...running.keys()].join(' ');
    },
    beginUntil: (name: string, signal: AbortSignal) => begin(name, signal),
    /** Ends a task. Tells which are under way then. */
    async end(name: string): Promise<string> {
      running.get(name)?.();
      running.delete(name);
      await nextTurn();
      return [...running.keys()].join(' ');
    },
    ended,
    events,
  };
};

const many = (source: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${source}${index + 1}`).join(' ');
const countOf = (running: string, source: string) =>
  running.split(' ').filter((name) => name.startsWith(source)).length;

describe('the bulkhead slots of one source', () => {
  it.each([
    ['its own limit', { limit: 16, limitPerSource: 4 }, ['a'], [4]],
    ['its own limit, without a total limit', { limitPerSource: 4 }, ['a', 'b'], [4, 4]],
    ['half of all slots, without its own limit', { limit: 16 }, ['a'], [8]],
    ['the number of slots that it leaves free', { limit: 16, limitPerSource: 6 }, ['a', 'b', 'c'], [6, 5, 3]],
    ['the only slot', { limit: 1 }, ['a', 'b'], [1, 0]],
  ] satisfies Array<[string, BulkheadOptions, string[], number[]]>)(
    'are limited to %s',
    async (_name, options, sources, expected) => {
      const { begin } = start(options);
      let running = '';
      for (const source of sources) running = await begin(many(source, 20));
      expect(sources.map((source) => countOf(running, source))).toEqual(expected);
    },
  );

  it('converge to a fair share as tasks end, and leave free slots for a newcomer', async () => {
    const { begin, end } = start({ limit: 64, limitPerSource: 16 });
    const greedy = 'abcdefghijklmnop';
    let running = '';
    for (const source of greedy) running = await begin(many(source, 50));
    expect(countOf(running, 'a')).toBe(16);
    for (let count = 0; count < 200; count += 1) running = await end(running.split(' ')[0] ?? '');
    for (const source of greedy) expect([3, 4]).toContain(countOf(running, source));
    for (const newcomer of 'uvw') expect(countOf(await begin(`${newcomer}1`), newcomer)).toBe(1);
  });

  it('can all be used by sources with one task each', async () => {
    const { begin, end } = start({ limit: 4, limitPerSource: 2 });
    expect(await begin('a1 b1 c1 d1 e1')).toBe('a1 b1 c1 d1');
    expect(await end('b1')).toBe('a1 c1 d1 e1');
  });
});

describe('tasks in the queue of the bulkhead', () => {
  it('are admitted round-robin by source instead of in order of arrival', async () => {
    const { begin, end, events } = start({ limit: 2, limitPerSource: 1 });
    await begin('a1 b1');
    await begin('c1 c2 c3 d1');
    expect(await end('a1')).toBe('b1 c1');
    expect(await end('b1')).toBe('c1 d1');
    expect(await end('d1')).toBe('c1');
    expect(await end('c1')).toBe('c2');
    expect(events.filter((event) => event.startsWith('d'))).toEqual(['d1 waits', 'd1 begins']);
  });

  it('report that they are queued, and every task reports its admission', async () => {
    const { begin, end, events } = start({ limit: 2, limitPerSource: 1 });
    await begin('a1 a2');
    await end('a1');
    expect(events).toEqual(['a1 begins', 'a2 waits', 'a2 begins']);
  });

  it('leave the queue when their signal aborts, and free their place', async () => {
    const { begin, beginUntil, end, ended } = start({ limit: 1, maxQueued: 2 });
    const abort = new AbortController();
    await begin('a1');
    beginUntil('b1', abort.signal);
    beginUntil('b2', AbortSignal.abort('gone before'));
    abort.abort('gone');
    expect(await begin('b3')).toBe('a1');
    expect(ended).toEqual({ b1: 'gone', b2: 'gone before' });
    expect(await end('a1')).toBe('b3');
  });

  it('are rejected if their source holds half of the queue, while other sources are still queued', async () => {
    const { begin, ended } = start({ limit: 1, maxQueued: 8 });
    await begin('z1');
    await begin(many('a', 6));
    expect(ended).toEqual({ a5: 'full', a6: 'full' });
    await begin(many('b', 3));
    expect(ended).toMatchObject({ b3: 'full' });
    await begin('c1');
    expect(Object.keys(ended)).toEqual(['a5', 'a6', 'b3']);
  });

  it('can fill the whole queue if each source has one task', async () => {
    const { begin, ended } = start({ limit: 1, maxQueued: 3 });
    await begin('a1 b1 c1 d1 e1');
    expect(ended).toEqual({ e1: 'full' });
  });
});

it('the bulkhead frees the slot of a task that fails', async () => {
  const run = createBulkhead({ limit: 1 });
  const fail = () => Promise.reject(new Error('failed'));
  await expect(run(fail, { source: 'a' })).rejects.toThrow('failed');
  expect(await run(() => Promise.resolve('done'), { source: 'a' })).toBe('done');
});
