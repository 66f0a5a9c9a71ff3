import { describe, expect, it } from 'vitest';
import { refreshTimes } from '../../../client/src/session/refresh-times.ts';

/** The times of a new token, from a server with a threshold of 300 s, at most half of the lifetime. */
const timesOfNew = (lifetimeSeconds: number, spread: number) =>
  refreshTimes({
    expiresIn: lifetimeSeconds,
    refreshIn: lifetimeSeconds - Math.min(300, lifetimeSeconds / 2),
    lifetimeSeconds,
    thresholdSeconds: null,
    spread,
  });

const rows: [lifetime: number, visible: [first: number, last: number], hidden: [first: number, last: number]][] = [
  [30, [15, 16.5], [10, 10]],
  [60, [30, 33], [20, 20]],
  [90, [45, 49.5], [30, 30]],
  [120, [60, 66], [45, 45]],
  [150, [75, 82.5], [75, 75]],
  [180, [90, 99], [90, 105]],
  [300, [150, 165], [210, 225]],
  [600, [300, 330], [510, 525]],
  [900, [600, 630], [810, 825]],
];

describe('refreshTimes', () => {
  it.each(rows)('of a token that lives %d s: visible within %j, hidden within %j', (lifetime, visible, hidden) => {
    const [none, all] = [timesOfNew(lifetime, 0), timesOfNew(lifetime, 1)];
    expect([none.visibleSeconds, all.visibleSeconds]).toEqual(visible);
    expect([all.hiddenSeconds, none.hiddenSeconds]).toEqual(hidden);
  });

  it.each(rows.filter(([lifetime]) => lifetime >= 120))(
    'leaves a hidden tab 15 s for the request although its timer is a minute late: %d s',
    (lifetime) => {
      for (const spread of [0, 0.5, 1]) {
        expect(timesOfNew(lifetime, spread).hiddenSeconds + 60 + 15).toBeLessThanOrEqual(lifetime);
      }
    },
  );

  it.each(rows)(
    'is never before half of the lifetime, but in a hidden tab where that is under 75 s: %d s',
    (lifetime) => {
      for (const spread of [0, 0.5, 1]) {
        const { visibleSeconds, hiddenSeconds } = timesOfNew(lifetime, spread);
        expect(visibleSeconds).toBeGreaterThanOrEqual(lifetime / 2);
        expect(hiddenSeconds).toBeGreaterThanOrEqual(lifetime < 150 ? lifetime / 3 : lifetime / 2);
      }
    },
  );

  it.each<[name: string, options: Partial<Parameters<typeof refreshTimes>[0]>, visible: number, hidden: number]>([
    ['the server says now', { refreshIn: 0 }, 150, 225],
    ['the server says now, and the lifetime is unknown', { refreshIn: 0, lifetimeSeconds: null }, 0, 225],
    ['a minute is left', { expiresIn: 60, refreshIn: 0 }, 0, 0],
    ['nothing is left', { expiresIn: 0, refreshIn: 0, lifetimeSeconds: null }, 0, 0],
    // A timer that is a minute late would come after the expiry.
    ['the server wants it a minute before expiry', { refreshIn: 240 }, 240, 225],
    ['the page wants it a minute before expiry', { thresholdSeconds: 60 }, 240, 225],
    ['the page wants it at once', { thresholdSeconds: 300 }, 150, 225],
  ])('where %s', (_name, options, visible, hidden) => {
    const times = refreshTimes({
      expiresIn: 300,
      refreshIn: 150,
      lifetimeSeconds: 300,
      thresholdSeconds: null,
      spread: 0,
      ...options,
    });
    expect(times).toEqual({ visibleSeconds: visible, hiddenSeconds: hidden });
  });
});
