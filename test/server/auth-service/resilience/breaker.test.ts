import { describe, expect, it, vi } from 'vitest';
import { type CallEnd, createBreaker } from '../../../../server/src/auth-service/resilience/breaker.ts';
import type { CallSource } from '../../../../server/src/auth-service/resilience/call-source.ts';

/** `staff 1` is a verified person, `network 1` is not. */
const toSource = (name: string): CallSource => ({ isVerified: !name.startsWith('network'), name });
const somebody = toSource('staff 99');

const start = () => {
  let nowMs = 0;
  const onOpen = vi.fn<() => void>();
  const breaker = createBreaker({ monotonicNow: () => nowMs, onOpen });
  const enter = (name: string) => breaker.enter(toSource(name));
  /** Null: nobody in particular is to blame. False: the breaker refused the call. */
  const call = (how: CallEnd, name: string | null = null): boolean => {
    const entry = breaker.enter(name === null ? somebody : toSource(name));
    if ('retryAfterMs' in entry) return false;
    entry.end(how, name === null ? null : toSource(name));
    return true;
  };
  /** A probe that does not end by itself. */
  const probe = (name = 'staff 99') => {
    const entry = enter(name);
    if ('retryAfterMs' in entry) throw new Error('The breaker refused a probe.');
    return {
      end: (how: CallEnd, blamed: string | null = name) => entry.end(how, blamed === null ? null : toSource(blamed)),
    };
  };
  return {
    breaker,
    onOpen,
    enter,
    call,
    probe,
    calls: (how: CallEnd, people: Array<string | null>) => people.map((person) => call(how, person)),
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
};
const times = <Item>(count: number, item: Item) => Array.from({ length: count }, () => item);
const networks = (count: number) => Array.from({ length: count }, (_, index) => `network ${index + 1}`);
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
    const { breaker, calls, call, probe, advance } = start();
    calls('failed', several(10));
    advance(4_999);
    expect(call('good')).toBe(false);
    expect(breaker.enter(somebody)).toEqual({ retryAfterMs: 1 });
    advance(1);
    const { end } = probe('staff 1');
    expect(calls('good', several(20))).toEqual(times(20, false));
    end('good');
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
    const { breaker, calls, probe, advance } = start();
    const early = probe();
    calls('failed', several(10));
    advance(5_000);
    const { end } = probe();
    early.end('failed', null);
    expect(breaker.state()).toBe('half_open');
    end('failed', null);
    expect(breaker.state()).toBe('open');
  });

  it('does not open again on calls that hung since before it opened, and fail after the service is back', () => {
    const { breaker, calls, call, probe, advance } = start();
    const hanging = Array.from({ length: 20 }, () => probe());
    calls('failed', several(10));
    advance(5_000);
    expect(call('good')).toBe(true);
    for (const { end } of hanging) end('failed', null);
    expect(breaker.state()).toBe('closed');
  });

  it('takes a 429 for no failure, and for no recovery', () => {
    const { breaker, calls, call, advance } = start();
    calls('failed', times(9, null));
    calls('rate_limited', [...several(50), ...networks(50)]);
    expect(breaker.state()).toBe('closed');
    calls('failed', [null]);
    advance(5_000);
    expect(call('rate_limited', 'staff 1')).toBe(true);
    expect(breaker.state()).toBe('half_open');
    expect(call('good', 'staff 2')).toBe(true);
  });
});

describe('a breaker of calls whose callers are not verified', () => {
  it('does not open on answered failures of one network, however many, nor on six more of others', () => {
    const { breaker, calls } = start();
    calls('failed', times(1_000, 'network 1'));
    calls('failed', networks(7).slice(1));
    expect(breaker.state()).toBe('closed');
    calls('failed', ['network 8']);
    expect(breaker.state()).toBe('open');
  });

  it('forgets no failure of others while one network floods it', () => {
    const { breaker, calls } = start();
    calls('failed', networks(7));
    calls('failed', times(1_000, 'network 1'));
    calls('failed', ['network 8']);
    expect(breaker.state()).toBe('open');
  });

  it('opens at once where the service does not answer, whoever asks', () => {
    const { breaker, enter } = start();
    for (let index = 0; index < 10; index += 1) {
      const entry = enter('network 1');
      if ('end' in entry) entry.end('failed', null);
    }
    expect(breaker.state()).toBe('open');
  });

  it('does not open on half of the calls of many networks, while the others get good answers', () => {
    const { breaker, call } = start();
    for (let index = 0; index < 100; index += 1) {
      call('failed', `network ${index}`);
      call('good', 'network of a victim');
    }
    expect(breaker.state()).toBe('closed');
  });

  it('lets others probe beside a network whose probe is under way', () => {
    const { breaker, calls, call, probe, advance } = start();
    calls('failed', times(10, null));
    advance(5_000);
    probe('network attacker');
    expect(call('good', 'network victim')).toBe(true);
    expect(breaker.state()).toBe('closed');
  });

  it('lets one network make one probe at a time, and four networks at once until one of them is answered', () => {
    const { calls, probe, call, advance } = start();
    calls('failed', times(10, null));
    advance(5_000);
    const first = probe('network 1');
    expect(call('failed', 'network 1')).toBe(false);
    for (const name of ['network 2', 'network 3', 'network 4']) probe(name);
    expect(call('failed', 'network 5')).toBe(false);
    first.end('failed');
    for (const name of networks(100).slice(4)) probe(name);
    expect(call('failed', 'network 2')).toBe(false);
  });

  it('makes room after two seconds for a probe that is never released', () => {
    const { breaker, calls, probe, call, advance } = start();
    calls('failed', times(10, null));
    advance(5_000);
    for (const name of ['network 1', 'network 2', 'network 3', 'network 4', 'staff 1']) probe(name);
    advance(1_999);
    expect([call('good', 'network 5'), call('good', 'staff 2')]).toEqual([false, false]);
    advance(1);
    expect(call('abandoned', 'staff 2')).toBe(true);
    expect(call('good', 'network 5')).toBe(true);
    expect(breaker.state()).toBe('closed');
  });

  it('is not kept open by a network that sends one failing call a second', () => {
    const test = start();
    test.calls('failed', networks(10));
    test.advance(5_000);
    for (let second = 0; second < 100; second += 1) {
      test.call('failed', 'network 1');
      test.call('failed', 'network 2');
      expect(test.breaker.state()).toBe('half_open');
      test.advance(1_000);
    }
    expect(test.call('good', 'network victim')).toBe(true);
    expect(test.breaker.state()).toBe('closed');
  });

  it('holds a network off after three failed probes, for twice as long each time, up to 30 s', () => {
    const { calls, call, enter, advance } = start();
    calls('failed', networks(10));
    advance(5_000);
    call('failed', 'network 2');
    expect(calls('failed', times(4, 'network 1'))).toEqual([true, true, true, false]);
    expect(enter('network 1')).toEqual({ retryAfterMs: 10_000 });
    for (const waitMs of [10_000, 20_000, 30_000, 30_000]) {
      advance(waitMs - 1);
      expect(call('failed', 'network 1')).toBe(false);
      advance(1);
      expect(call('failed', 'network 1')).toBe(true);
    }
  });

  it('holds off a network whose probe was rate limited', () => {
    const { calls, enter, call, advance } = start();
    calls('failed', networks(10));
    advance(5_000);
    expect(call('rate_limited', 'network 1')).toBe(true);
    expect(enter('network 1')).toEqual({ retryAfterMs: 10_000 });
  });

  it('is closed by the failures of the only network there is, since one network alone opens nothing', () => {
    const { breaker, calls, advance } = start();
    calls('failed', times(10, null));
    advance(5_000);
    expect(calls('failed', times(3, 'network 1'))).toEqual([true, true, true]);
    expect(breaker.state()).toBe('closed');
  });

  it('stays half open where the service fails for several networks', () => {
    const { breaker, calls, advance } = start();
    calls('failed', networks(10));
    advance(5_000);
    calls('failed', [...networks(50), ...networks(50), ...networks(50)]);
    expect(breaker.state()).toBe('half_open');
  });

  it('opens again for longer where a probe gets no answer', () => {
    const { breaker, calls, probe, advance, enter } = start();
    calls('failed', networks(10));
    advance(5_000);
    probe('network 1').end('failed', null);
    expect(breaker.state()).toBe('open');
    expect(enter('network 2')).toEqual({ retryAfterMs: 10_000 });
  });

  it('is not opened again by a thousand networks while others get good answers, and is where nobody does', () => {
    const { breaker, calls, call, advance } = start();
    calls('failed', networks(10));
    advance(5_000);
    expect(call('good', 'network victim')).toBe(true);
    for (let minute = 0; minute < 60; minute += 1) {
      calls('failed', networks(1_000));
      expect(call('good', 'network victim')).toBe(true);
      advance(29_999);
    }
    calls('failed', networks(1_000));
    expect(breaker.state()).toBe('closed');
    advance(1);
    calls('failed', networks(10));
    expect(breaker.state()).toBe('open');
  });

  it('bounds the networks that it remembers', () => {
    const test = start();
    test.calls('failed', networks(10));
    test.advance(5_000);
    test.call('failed', 'network 1');
    test.calls('failed', times(3, 'network 0'));
    expect(test.call('failed', 'network 0')).toBe(false);
    for (let index = 2; index < 6_000; index += 1) test.call('failed', `network ${index}`);
    // It was forgotten for newer ones.
    expect(test.call('failed', 'network 0')).toBe(true);
  });
});
