import { describe, expect, it } from 'vitest';
import { createSlices } from '../../../server/src/platform/cooperative-yield.ts';

/** Slices of 100 records, in turns of the event loop that the test controls. */
const start = () => {
  const due: Array<() => void> = [];
  const slices = createSlices({ recordsPerTurn: 100, inNextTurn: (begin) => due.push(begin) });
  const granted: string[] = [];
  const grant = (name: string, turn: Promise<void> | undefined): void => {
    if (turn === undefined) granted.push(name);
    else void turn.then(() => granted.push(name));
  };
  return {
    /** Requests work on `count` records, named after its source: `a1`, `a2`, `b1`. */
    take: (name: string, records: number) => grant(name, slices.take(records, name.charAt(0))),
    takeAgain: (name: string, records: number) => grant(`${name} again`, slices.takeAgain(records, name.charAt(0))),
    /** Advances one turn. Returns the work granted since the last turn. */
    async turn(): Promise<string[]> {
      for (const begin of due.splice(0)) begin();
      await Promise.resolve();
      return granted.splice(0);
    },
    granted: () => granted.splice(0),
    isTurnDue: () => due.length > 0,
  };
};

describe('work', () => {
  it('on a few records is never deferred and starts no turn', () => {
    const { take, granted, isTurnDue } = start();
    for (let count = 0; count < 50; count += 1) take('a1', 15);
    expect(granted()).toHaveLength(50);
    expect(isTurnDue()).toBe(false);
  });

  it('continues in the same turn while it fits, also for different sources', () => {
    const { take, granted } = start();
    take('a1', 40);
    take('b1', 60);
    take('c1', 16);
    expect(granted()).toEqual(['a1', 'b1']);
  });

  it('that does not fit gets one turn each', async () => {
    const { take, turn } = start();
    for (const name of ['a1', 'a2', 'a3', 'a4']) take(name, 80);
    expect(await turn()).toEqual(['a1', 'a2']);
    expect(await turn()).toEqual(['a3']);
    expect(await turn()).toEqual(['a4']);
    expect(await turn()).toEqual([]);
  });

  it('that waits shares a turn with other work as far as it fits', async () => {
    const { take, turn } = start();
    take('a1', 100);
    for (const name of ['a2', 'a3', 'a4', 'a5', 'b1']) take(name, 30);
    expect(await turn()).toEqual(['a1', 'a2', 'b1', 'a3']);
    expect(await turn()).toEqual(['a4', 'a5']);
  });

  it('is not overtaken by later work that would fit', async () => {
    const { take, turn } = start();
    take('a1', 80);
    take('a2', 100);
    take('b1', 20);
    expect(await turn()).toEqual(['a1', 'a2']);
    expect(await turn()).toEqual(['b1']);
  });

  it('of a busy source delays the work of others by one turn each', async () => {
    const { take, turn } = start();
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) take(name, 100);
    take('b1', 100);
    expect(await turn()).toEqual(['a1', 'a2']);
    expect(await turn()).toEqual(['b1']);
    expect(await turn()).toEqual(['a3']);
  });

  it('on more records than a slice is done in its own turn', async () => {
    const { take, turn } = start();
    take('a1', 500);
    take('b1', 16);
    expect(await turn()).toEqual(['a1', 'b1']);
  });

  it('fits again in the next turn', async () => {
    const { take, turn, isTurnDue } = start();
    take('a1', 100);
    expect(await turn()).toEqual(['a1']);
    expect(isTurnDue()).toBe(false);
    take('a2', 100);
    expect(await turn()).toEqual(['a2']);
  });
});

describe('a second step', () => {
  it('needs no turn of its own in the turn of the first', async () => {
    const { take, takeAgain, turn } = start();
    take('a1', 100);
    take('a2', 100);
    takeAgain('a1', 100);
    expect(await turn()).toEqual(['a1', 'a1 again', 'a2']);
    takeAgain('a2', 100);
    expect(await turn()).toEqual(['a2 again']);
  });

  it('is one for each record, and of the same source', async () => {
    const { take, takeAgain, granted, turn } = start();
    take('a1', 100);
    takeAgain('b1', 100);
    for (const records of [60, 40, 20]) takeAgain(`a${records}`, records);
    expect(granted()).toEqual(['a1', 'a60 again', 'a40 again']);
    expect(await turn()).toEqual(['b1 again']);
    expect(await turn()).toEqual(['a20 again']);
  });

  it('that waited has no further step on its records', async () => {
    const { take, takeAgain, granted, turn } = start();
    take('a1', 100);
    takeAgain('b1', 80);
    expect(await turn()).toEqual(['a1', 'b1 again']);
    takeAgain('b2', 60);
    expect(granted()).toEqual([]);
    expect(await turn()).toEqual(['b2 again']);
  });

  it('waits like any other work in a later turn', async () => {
    const { take, takeAgain, granted, turn } = start();
    take('a1', 100);
    await turn();
    take('b1', 100);
    takeAgain('a1', 100);
    expect(granted()).toEqual(['b1']);
    expect(await turn()).toEqual(['a1 again']);
  });
});
