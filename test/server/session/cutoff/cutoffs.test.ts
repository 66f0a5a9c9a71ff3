import { describe, expect, it } from 'vitest';
import { createCutoffs } from '../../../../server/src/session/cutoff/cutoffs.ts';
import type { Principal } from '../../../../server/src/token/principal.ts';

const person = { type: 'staff', id: 123 } as Principal;
const namesake = { type: 'employee', id: 123 } as Principal;

const start = () => {
  let nowMs = 1_000_000;
  const cutoffs = createCutoffs({ keyHasher: (label, text) => `${label} ${text}`, now: () => nowMs });
  return {
    cutoffs,
    advance: (ms: number) => {
      nowMs += ms;
    },
    /** Sets the next cutoff of the person. */
    cut: () => {
      const cutoffMs = cutoffs.next(person);
      cutoffs.raise(cutoffs.nameOf(person), cutoffMs);
      return cutoffMs;
    },
    isEnded: (issuedAtMs: number | null, sinceMs = 0, principal = person) =>
      cutoffs.endedAtMs({ principal, issuedAtMs }, sinceMs) !== null,
  };
};

describe('a cutoff', () => {
  it('ends the tokens of its person that were issued until then, and those without a time of issue', () => {
    const { cut, isEnded } = start();
    expect([isEnded(999_000), isEnded(null)]).toEqual([false, false]);
    cut();
    expect([isEnded(999_000), isEnded(1_000_000), isEnded(null)]).toEqual([true, true, true]);
    expect(isEnded(1_001_000)).toBe(false);
  });

  it('does not reach the employee with the same number', () => {
    const { cut, isEnded } = start();
    cut();
    expect(isEnded(999_000, 0, namesake)).toBe(false);
  });

  it('does not reach a family that counts as begun at the cutoff, until the next cutoff', () => {
    const { cut, isEnded } = start();
    const cutoffMs = cut();
    expect(isEnded(null, cutoffMs)).toBe(false);
    cut();
    expect(isEnded(null, cutoffMs)).toBe(true);
  });

  it('only grows, although the clock of this replica is behind', () => {
    const { cutoffs, cut, advance } = start();
    const first = cut();
    advance(-5_000);
    expect(cut()).toBeGreaterThan(first);
    cutoffs.raise(cutoffs.nameOf(person), 1);
    expect(cutoffs.get(person)).toBeGreaterThan(first);
  });

  it('reaches the newest tokens of an Auth Service whose clock is ahead, by at most 30 s', () => {
    const { cutoffs, cut, isEnded } = start();
    cutoffs.observeIssue({ issuedAtMs: 1_012_000 });
    cutoffs.observeIssue({ issuedAtMs: null });
    cut();
    expect([isEnded(1_012_000), isEnded(1_013_001)]).toEqual([true, false]);
    cutoffs.observeIssue({ issuedAtMs: 9_000_000 });
    expect(cut()).toBe(1_030_001);
  });
});
