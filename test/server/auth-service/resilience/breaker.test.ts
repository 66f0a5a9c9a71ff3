import { describe, expect, it, vi } from 'vitest';
import { createBreaker } from '../../../../server/src/auth-service/resilience/breaker.ts';
import type { CallSource } from '../../../../server/src/auth-service/resilience/call-source.ts';
import type { CallResult } from '../../../../server/src/auth-service/resilience/half-open.ts';

/** `staff 1` is a verified person, `network 1` is not. */
const toSource = (name: string): CallSource => ({ isVerified: !name.startsWith('network'), name });
const otherCaller = toSource('staff 99');

const start = () => {
  let nowMs = 0;
  const onOpen = vi.fn<() => void>();
  const breaker = createBreaker({ monotonicNow: () => nowMs, onOpen });
  const enter = (name: string) => breaker.enter(toSource(name));
  /** `name` null: the service itself failed. Returns false if the breaker rejected the call. */
  const call = (result: CallResult, name: string | null = null): boolean => {
    const entry = breaker.enter(name === null ? otherCaller : toSource(name));
    if ('retryAfterMs' in entry) return false;
    entry.end(result, name === null ? null : toSource(name));
    return true;
  };
  /** A probe that does not end until the test ends it. */
  const probe = (name = 'staff 99') => {
    const entry = enter(name);
    if ('retryAfterMs' in entry) throw new Error('The breaker refused a probe.');
    return {
      end: (result: CallResult, blamed: string | null = name) =>
        entry.end(result, blamed === null ? null : toSource(blamed)),
    };
  };
  return {
    breaker,
    onOpen,
    enter,
    call,
    probe,
    calls: (result: CallResult, people: Array<string | null>) => people.map((person) => call(result, person)),
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
};
const times = <Item>(count: number, item: Item) => Array.from({ length: count }, () => item);
const networks = (count: number) => Array.from({ length: count }, (_, index) => `network ${index + 1}`);
const several = (count: number) => Array.from({ length: count }, (_, index) => `staff ${index % 3}`);

describe('a circuit breaker', () => {
  it('opens after ten consecutive failures, and not after nine', () => {
    const { breaker, calls, call, onOpen } = start();
    calls('failure', several(9));
    call('success');
    calls('failure', several(9));
    expect(breaker.state()).toBe('closed');
    call('failure');
    expect(breaker.state()).toBe('open');
    expect(onOpen).toHaveBeenCalledTimes(1);
  });

  it('opens if ten of the last twenty calls failed', () => {
    const { breaker, call } = start();
    for (let index = 0; index < 9; index += 1) {
      call('failure', `staff ${index}`);
      call('success');
    }
    expect(breaker.state()).toBe('closed');
    call('failure');
    call('success');
    expect(breaker.state()).toBe('open');
  });

  it('stays closed if all failures but one come from one person', () => {
    const { breaker, calls, call } = start();
    calls('failure', times(50, 'staff 1'));
    call('failure', 'staff 2');
    expect(breaker.state()).toBe('closed');
  });

  it('opens on ten failures of the service itself', () => {
    const { breaker, calls } = start();
    calls('failure', times(10, null));
    expect(breaker.state()).toBe('open');
  });

  it('ignores calls whose client disconnected', () => {
    const { breaker, calls } = start();
    calls('failure', several(9));
    calls('abandoned', several(50));
    expect(breaker.state()).toBe('closed');
    calls('failure', several(1));
    expect(breaker.state()).toBe('open');
  });

  it('admits one probe after 5 s, and closes if it succeeds', () => {
    const { breaker, calls, call, probe, advance } = start();
    calls('failure', several(10));
    advance(4_999);
    expect(call('success')).toBe(false);
    expect(breaker.enter(otherCaller)).toEqual({ retryAfterMs: 1 });
    advance(1);
    const { end } = probe('staff 1');
    expect(calls('success', several(20))).toEqual(times(20, false));
    end('success');
    expect(calls('success', several(20))).toEqual(times(20, true));
  });

  it('doubles its wait after each failed round of probes, up to 30 s', () => {
    const { calls, call, advance } = start();
    calls('failure', several(10));
    for (const waitMs of [5_000, 10_000, 20_000, 30_000, 30_000]) {
      advance(waitMs - 1);
      expect(call('failure')).toBe(false);
      advance(1);
      expect(call('failure')).toBe(true);
    }
  });

  it('admits the next probe if the client of the first one disconnected', () => {
    const { breaker, calls, call, advance } = start();
    calls('failure', several(10));
    advance(5_000);
    expect(call('abandoned')).toBe(true);
    expect(call('success')).toBe(true);
    expect(breaker.state()).toBe('closed');
  });

  it('admits another person after the failed probe of one person', () => {
    const { breaker, calls, call, advance } = start();
    calls('failure', several(10));
    advance(5_000);
    expect(call('failure', 'staff 1')).toBe(true);
    expect(call('failure', 'staff 1')).toBe(false);
    expect(call('success', 'staff 2')).toBe(true);
    expect(breaker.state()).toBe('closed');
  });

  it('admits a probe immediately once the service is known to be back', () => {
    const { breaker, calls, call, advance } = start();
    calls('failure', several(10));
    advance(10);
    breaker.recover();
    expect(call('success')).toBe(true);
    expect(breaker.state()).toBe('closed');
  });

  it('ignores the end of calls that started before it opened', () => {
    const { breaker, calls, probe, advance } = start();
    const early = probe();
    calls('failure', several(10));
    advance(5_000);
    const { end } = probe();
    early.end('failure', null);
    expect(breaker.state()).toBe('half_open');
    end('failure', null);
    expect(breaker.state()).toBe('open');
  });

  it('stays closed if calls from before it opened fail after the recovery', () => {
    const { breaker, calls, call, probe, advance } = start();
    const hanging = Array.from({ length: 20 }, () => probe());
    calls('failure', several(10));
    advance(5_000);
    expect(call('success')).toBe(true);
    for (const { end } of hanging) end('failure', null);
    expect(breaker.state()).toBe('closed');
  });

  it('counts a 429 neither as a failure nor as a success', () => {
    const { breaker, calls, call, advance } = start();
    calls('failure', times(9, null));
    calls('rate_limited', [...several(50), ...networks(50)]);
    expect(breaker.state()).toBe('closed');
    calls('failure', [null]);
    advance(5_000);
    expect(call('rate_limited', 'staff 1')).toBe(true);
    expect(breaker.state()).toBe('half_open');
    expect(call('success', 'staff 2')).toBe(true);
  });
});

describe('a circuit breaker for unverified callers', () => {
  it('stays closed on many failures of one network and six of others', () => {
    const { breaker, calls } = start();
    calls('failure', times(1_000, 'network 1'));
    calls('failure', networks(7).slice(1));
    expect(breaker.state()).toBe('closed');
    calls('failure', ['network 8']);
    expect(breaker.state()).toBe('open');
  });

  it('keeps the failures of other sources while one network floods it', () => {
    const { breaker, calls } = start();
    calls('failure', networks(7));
    calls('failure', times(1_000, 'network 1'));
    calls('failure', ['network 8']);
    expect(breaker.state()).toBe('open');
  });

  it('opens on ten calls without a response, from any source', () => {
    const { breaker, enter } = start();
    for (let index = 0; index < 10; index += 1) {
      const entry = enter('network 1');
      if ('end' in entry) entry.end('failure', null);
    }
    expect(breaker.state()).toBe('open');
  });

  it('stays closed if half of the calls of many networks fail and the others succeed', () => {
    const { breaker, call } = start();
    for (let index = 0; index < 100; index += 1) {
      call('failure', `network ${index}`);
      call('success', 'network of a victim');
    }
    expect(breaker.state()).toBe('closed');
  });

  it('admits other sources while the probe of one network is in flight', () => {
    const { breaker, calls, call, probe, advance } = start();
    calls('failure', times(10, null));
    advance(5_000);
    probe('network attacker');
    expect(call('success', 'network victim')).toBe(true);
    expect(breaker.state()).toBe('closed');
  });

  it('admits one probe per network, and four networks at once until the service responds to one', () => {
    const { calls, probe, call, advance } = start();
    calls('failure', times(10, null));
    advance(5_000);
    const first = probe('network 1');
    expect(call('failure', 'network 1')).toBe(false);
    for (const name of ['network 2', 'network 3', 'network 4']) probe(name);
    expect(call('failure', 'network 5')).toBe(false);
    first.end('failure');
    for (const name of networks(100).slice(4)) probe(name);
    expect(call('failure', 'network 2')).toBe(false);
  });

  it('admits another probe if one takes more than two seconds', () => {
    const { breaker, calls, probe, call, advance } = start();
    calls('failure', times(10, null));
    advance(5_000);
    for (const name of ['network 1', 'network 2', 'network 3', 'network 4', 'staff 1']) probe(name);
    advance(1_999);
    expect([call('success', 'network 5'), call('success', 'staff 2')]).toEqual([false, false]);
    advance(1);
    expect(call('abandoned', 'staff 2')).toBe(true);
    expect(call('success', 'network 5')).toBe(true);
    expect(breaker.state()).toBe('closed');
  });

  it('recovers although one network sends a failing call every second', () => {
    const test = start();
    test.calls('failure', networks(10));
    test.advance(5_000);
    for (let second = 0; second < 100; second += 1) {
      test.call('failure', 'network 1');
      test.call('failure', 'network 2');
      expect(test.breaker.state()).toBe('half_open');
      test.advance(1_000);
    }
    expect(test.call('success', 'network victim')).toBe(true);
    expect(test.breaker.state()).toBe('closed');
  });

  it('refuses a network after three failed probes, for a time that doubles up to 30 s', () => {
    const { calls, call, enter, advance } = start();
    calls('failure', networks(10));
    advance(5_000);
    call('failure', 'network 2');
    expect(calls('failure', times(4, 'network 1'))).toEqual([true, true, true, false]);
    expect(enter('network 1')).toEqual({ retryAfterMs: 10_000 });
    for (const waitMs of [10_000, 20_000, 30_000, 30_000]) {
      advance(waitMs - 1);
      expect(call('failure', 'network 1')).toBe(false);
      advance(1);
      expect(call('failure', 'network 1')).toBe(true);
    }
  });

  it('refuses a network for a while if its probe was rate limited', () => {
    const { calls, enter, call, advance } = start();
    calls('failure', networks(10));
    advance(5_000);
    expect(call('rate_limited', 'network 1')).toBe(true);
    expect(enter('network 1')).toEqual({ retryAfterMs: 10_000 });
  });

  it('closes if only one network fails, because one network alone cannot open it', () => {
    const { breaker, calls, advance } = start();
    calls('failure', times(10, null));
    advance(5_000);
    expect(calls('failure', times(3, 'network 1'))).toEqual([true, true, true]);
    expect(breaker.state()).toBe('closed');
  });

  it('stays half-open if the service fails for several networks', () => {
    const { breaker, calls, advance } = start();
    calls('failure', networks(10));
    advance(5_000);
    calls('failure', [...networks(50), ...networks(50), ...networks(50)]);
    expect(breaker.state()).toBe('half_open');
  });

  it('opens again for a longer time if a probe gets no response', () => {
    const { breaker, calls, probe, advance, enter } = start();
    calls('failure', networks(10));
    advance(5_000);
    probe('network 1').end('failure', null);
    expect(breaker.state()).toBe('open');
    expect(enter('network 2')).toEqual({ retryAfterMs: 10_000 });
  });

  it('stays closed on failures of a thousand networks while others succeed, and opens if no caller succeeds', () => {
    const { breaker, calls, call, advance } = start();
    calls('failure', networks(10));
    advance(5_000);
    expect(call('success', 'network victim')).toBe(true);
    for (let minute = 0; minute < 60; minute += 1) {
      calls('failure', networks(1_000));
      expect(call('success', 'network victim')).toBe(true);
      advance(29_999);
    }
    calls('failure', networks(1_000));
    expect(breaker.state()).toBe('closed');
    advance(1);
    calls('failure', networks(10));
    expect(breaker.state()).toBe('open');
  });

  it('limits the number of networks that it remembers', () => {
    const test = start();
    test.calls('failure', networks(10));
    test.advance(5_000);
    test.call('failure', 'network 1');
    test.calls('failure', times(3, 'network 0'));
    expect(test.call('failure', 'network 0')).toBe(false);
    for (let index = 2; index < 6_000; index += 1) test.call('failure', `network ${index}`);
    // The breaker evicted it in favour of newer ones.
    expect(test.call('failure', 'network 0')).toBe(true);
  });
});
