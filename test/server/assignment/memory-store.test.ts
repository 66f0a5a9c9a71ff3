import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../server/src/assignment/memory-store.ts';
import { describeAssignmentStore } from '../../contract/assignment-store.ts';
import { createClock } from '../../support/start-app.ts';

const hours = (count: number) => count * 60 * 60 * 1_000;

describe('turns in memory', () => {
  describeAssignmentStore({ create: () => createMemoryStore({ now: () => 0 }), runs: 300 });

  it('forget a key after 24 hours', async () => {
    const clock = createClock();
    const store = createMemoryStore({ now: clock.now });
    const take = (candidates: number[], key: string) => store.take({ rotation: 'r', candidates, key });
    await take([1, 2], 'T-1');
    clock.advance(hours(24) - 1);
    expect(await take([2], 'T-1')).toEqual({ assignee: 1, replayed: true });
    clock.advance(1);
    expect(await take([1, 2], 'T-1')).toEqual({ assignee: 2, replayed: false });
  });

  it('forget a rotation that was unused for 30 days, and no other', async () => {
    const clock = createClock();
    const store = createMemoryStore({ now: clock.now });
    const take = (rotation: string) => store.take({ rotation, candidates: [1, 2], key: null });
    await take('unused');
    await take('used');
    clock.advance(hours(24 * 30) - 1);
    await take('used');
    clock.advance(1);
    expect(await store.lastTurns('unused', [1, 2])).toEqual([0, 0]);
    expect(await store.lastTurns('used', [1, 2])).toEqual([1, 2]);
  });
});
