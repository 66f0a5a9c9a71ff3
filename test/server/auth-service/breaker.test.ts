import { describe, expect, it, vi } from 'vitest';
import { type CallEnd, createBreaker } from '../../../server/src/auth-service/breaker.ts';

const start = () => {
  let nowMs = 0;
  const onOpen = vi.fn<() => void>();
  const breaker = createBreaker({ clock: () => nowMs, onOpen });
  const call = (how: CallEnd, person: string | null = null): boolean => {
    const entry = breaker.enter(person);
    if ('retryAfterMs' in entry) return false;
    entry.end(how, person);
    return true;
  };
  return {
    breaker,
    onOpen,
    call,
    calls: (how: CallEnd, people: Array<string | null>) => people.map((person) => call(how, person)),
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
};
const times = <Item>(count: number, item: Item) => Array.from({ length: count }, () => item);
const several = (count: number) => Array.from({ length: count }, (_, index) => `staff ${index % 3}`);

describe('a breaker', () => {
  it('opens after ten failed calls in a row, and not after nine', () => {
    const { breaker, calls, call, onOpen } = start();
    calls('failed', several(9));
    call('good');
    calls('failed', several(9));
    expect(breaker.state()).toBe('closed');
    call('failed');
    expect(breaker.state()).toBe('open');
    expect(onOpen).toHaveBeenCalledTimes(1);
  });

  it('opens where half of the last twenty failed', () => {
    const { breaker, call } = start();
    for (let index = 0; index < 9; index += 1) {
      call('failed', `staff ${index}`);
      call('good');
    }
    expect(breaker.state()).toBe('closed');
    call('failed');
    call('good');
    expect(breaker.state()).toBe('open');
  });

  it('does not open on one person’s failures alone, however many, nor on one more of somebody else', () => {
    const { breaker, calls, call } = start();
    calls('failed', times(50, 'staff 1'));
    call('failed', 'staff 2');
    expect(breaker.state()).toBe('closed');
  });

  it('opens where nobody in particular is to blame', () => {
    const { breaker, calls } = start();
    calls('failed', times(10, null));
    expect(breaker.state()).toBe('open');
  });

  it('takes no notice of calls that nobody waited for', () => {
    const { breaker, calls } = start();
    calls('failed', several(9));
    calls('abandoned', several(50));
    expect(breaker.state()).toBe('closed');
    calls('failed', several(1));
    expect(breaker.state()).toBe('open');
  });

  it('asks again by one call after 5 s, and closes where that is good', () => {
    const { breaker, calls, call, advance } = start();
    calls('failed', several(10));
    advance(4_999);
    expect(call('good')).toBe(false);
    expect(breaker.enter(null)).toEqual({ retryAfterMs: 1 });
    advance(1);
    const probe = breaker.enter('staff 1');
    if ('retryAfterMs' in probe) throw new Error('A probe was expected.');
    expect(calls('good', several(20))).toEqual(times(20, false));
    probe.end('good', 'staff 1');
    expect(calls('good', several(20))).toEqual(times(20, true));
  });

  it('waits twice as long each time that fails, up to 30 s', () => {
    const { calls, call, advance } = start();
    calls('failed', several(10));
    for (const waitMs of [5_000, 10_000, 20_000, 30_000, 30_000]) {
      advance(waitMs - 1);
      expect(call('failed')).toBe(false);
      advance(1);
      expect(call('failed')).toBe(true);
    }
  });

  it('lets the next one ask where nobody waited for the probe', () => {
    const { breaker, calls, call, advance } = start();
    calls('failed', several(10));
    advance(5_000);
    expect(call('abandoned')).toBe(true);
    expect(call('good')).toBe(true);
    expect(breaker.state()).toBe('closed');
  });

  it('is not kept open by one person, whose probe fails: it is somebody else’s turn', () => {
    const { breaker, calls, call, advance } = start();
    calls('failed', several(10));
    advance(5_000);
    expect(call('failed', 'staff 1')).toBe(true);
    expect(call('failed', 'staff 1')).toBe(false);
    expect(call('good', 'staff 2')).toBe(true);
    expect(breaker.state()).toBe('closed');
  });

  it('asks again at once where the service is known to be back', () => {
    const { breaker, calls, call, advance } = start();
    calls('failed', several(10));
    advance(10);
    breaker.recover();
    expect(call('good')).toBe(true);
    expect(breaker.state()).toBe('closed');
  });

  it('takes no notice of what was sent before it opened', () => {
    const { breaker, calls, advance } = start();
    const early = breaker.enter(null);
    calls('failed', several(10));
    advance(5_000);
    const probe = breaker.enter(null);
    if ('end' in early) early.end('good', null);
    expect(breaker.state()).toBe('half_open');
    if ('end' in probe) probe.end('failed', null);
    expect(breaker.state()).toBe('open');
  });
});
