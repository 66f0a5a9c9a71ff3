import { describe, expect, it } from 'vitest';
import type { Dialect } from '../../server/dev/auth-service/auth-service.ts';
import { createClock, dialects, startApp } from '../support/app/start-app.ts';
import { createSignInTries } from '../support/app/try-sign-in.ts';
import { createVictim, reportVictim } from '../support/app/victim.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** One more than the sign-in limit per e-mail and minute. */
const flood = 31;

/** The victims, and how many failed attempts (`most`) the Auth Service may see within its window. */
const victims = [
  { as: 'staff', email: 'user@example.com', password: 'staff-pass-1', most: 8, windowMs: 15 * minuteMs },
  {
    as: 'employee',
    email: 'alice.navarro@partners.example.com',
    password: 'employee-pass-1',
    most: 4,
    windowMs: 30 * minuteMs,
  },
] as const;
const cases = dialects.flatMap((dialect) => victims.map((person) => ({ dialect, as: person.as, person })));

const startAttack = async (dialect: Dialect, person: (typeof victims)[number]) => {
  const { as, email, password, windowMs } = person;
  const clock = createClock();
  const app = await startApp({
    dialect,
    now: clock.now,
    monotonicNow: clock.now,
    env: { TRUST_PROXY: '1', RATE_LIMIT_PER_MINUTE: '0', LOG_LEVEL: 'warn' },
  });
  const tryIn = createSignInTries(app.url);
  const victim = createVictim();
  const ends = new Set<string>();
  let cookie = (await tryIn({ as, email, password, address: '192.0.2.1' })).device ?? '';

  return {
    clock,
    victim,
    /** More attempts than the Auth Service may see within its window. */
    steady: person.most + 1,
    /** The distinct outcomes of the attacker's attempts. */
    ends,
    /** Tries wrong passwords from browsers without cookies, from four addresses. */
    attack: (tries: number) =>
      Promise.all(
        Array.from({ length: tries }, async (_, index) => {
          const address = `203.0.113.${index % 4}`;
          ends.add((await tryIn({ as, email, password: `guess-${index}`, address })).end);
        }),
      ),
    signIn: () =>
      victim.attempt(async () => {
        const { end, device } = await tryIn({ as, email, password, address: '192.0.2.1', cookie });
        if (end !== 'signed_in' || device === null) throw new Error(end);
        cookie = device;
      }),
    mistype: async () => (await tryIn({ as, email, password: 'mistyped', address: '192.0.2.1', cookie })).end,
    /** The maximum number of the attacker's attempts that the Auth Service saw within one window. */
    mostSeen(): number {
      const times = app.authService.calls
        .filter(({ endpoint, body }) => endpoint === `${as}-login` && body.includes('guess-'))
        .map(({ at }) => at);
      return Math.max(0, ...times.map((at) => times.filter((other) => other <= at && other > at - windowMs).length));
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};

describe.each(cases)('an attacker who tries to lock out one $as for hours ($dialect service)', (given) => {
  const { dialect, person } = given;

  it('with 30 wrong passwords a minute does not lock out a known browser of the person', async () => {
    await using test = await startAttack(dialect, person);
    for (let minute = 0; minute < 75; ) {
      // The person signs in every other minute for four minutes, and again after an hour.
      const signsIn = (minute < 4 && minute % 2 === 1) || minute === 74;
      await test.attack(signsIn ? flood : test.steady);
      if (signsIn) await test.signIn();
      // The windows of the account last longer than the pauses.
      const minutes = minute < 4 || minute >= 69 ? 1 : 13;
      minute += minutes;
      test.clock.advance(minutes * minuteMs);
    }
    expect(test.victim.attempts()).toBe(3);
    reportVictim(`Account lockout (${person.as}, ${dialect})`, test.victim);
    expect(test.victim.rate()).toBe(1);
    expect(test.ends).toEqual(new Set(['bad_credentials', 'rate_limited']));
    expect(test.mostSeen()).toBeGreaterThan(0);
    expect(test.mostSeen()).toBeLessThanOrEqual(person.most);
  });

  it('with 30 wrong passwords a minute does not lock out a known browser whose person mistypes the password once', async () => {
    await using test = await startAttack(dialect, person);
    const mistyped: unknown[] = [];
    for (const minutes of [3, 3, 3, 1, 3, 3, 3, 1]) {
      const mistypes = minutes === 1;
      await test.attack(mistypes ? flood : test.steady);
      if (mistypes) {
        mistyped.push(await test.mistype());
        await test.signIn();
      }
      test.clock.advance(minutes * minuteMs);
    }
    expect(mistyped).toEqual(['bad_credentials', 'bad_credentials']);
    reportVictim(`Account lockout with mistyped passwords (${person.as}, ${dialect})`, test.victim);
    expect(test.victim.rate()).toBe(1);
  });

  it('who waits until unknown browsers may try again does not lock out a known browser of the person', async () => {
    await using test = await startAttack(dialect, person);
    const { windowMs } = person;
    // The attacker tries as soon as attempts are allowed, at intervals, and right before the person signs in once a day.
    const pausesMs = [0, windowMs, windowMs, windowMs, 3 * hourMs, 6 * hourMs, 6 * hourMs, 5 * hourMs, windowMs];
    // Periods of 9 and of 8 rounds, because an account could be locked in every other round.
    for (const pauses of [pausesMs, pausesMs.slice(1)]) {
      for (const pauseMs of pauses) {
        test.clock.advance(pauseMs);
        await test.attack(person.most);
      }
      await test.signIn();
    }
    reportVictim(`Account lockout by a patient attacker (${person.as}, ${dialect})`, test.victim);
    expect(test.victim.rate()).toBe(1);
    expect(test.ends).toEqual(new Set(['bad_credentials', 'rate_limited']));
    expect(test.mostSeen()).toBeLessThanOrEqual(person.most);
  });
});
