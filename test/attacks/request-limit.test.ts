import { describe, expect, it } from 'vitest';
import { browserOf, crowd } from '../support/app/crowd.ts';
import { createRawConnections } from '../support/app/raw-connections.ts';
import { outcomesOf, queryTarget, type RawAnswer } from '../support/app/raw-request.ts';
import { dialects, forgetful, startApp, type TestApp } from '../support/app/start-app.ts';
import { createVictim, reportVictim } from '../support/app/victim.ts';

/** Calls that the victim makes during the attack: fewer than any limit. */
const victimCalls = 7;
/** The attacker's connections. */
const connections = 3;
/** The minimum number of rejected requests in an attack. */
const minRejections = 8;

type Attack = {
  /** Calls a minute that the BFF permits: a multiple of the calls of one request. */
  limit: number;
  /** The target of the attacker's next request. */
  target: (index: number) => string;
  /** How many calls a response counts for in the limit. */
  callsIn: (answer: RawAnswer) => number;
  /** Calls counted for requests that are rejected only after their input is read. Default 0. */
  lost?: number;
};

const batches: Attack = {
  limit: 50,
  target: (index) => {
    const inputs = crowd(50, 50 * index).map((id) => ({ json: { id } }));
    return queryTarget(
      inputs.map(() => 'users.byId'),
      Object.fromEntries(inputs.entries()),
    );
  },
  callsIn: (answer) => outcomesOf(answer).filter((outcome) => outcome !== 'rate_limited').length,
};
const usersByIdsAttack = (count: number, limit: number): Attack => ({
  limit,
  target: (index) => queryTarget('users.byIds', { json: { ids: crowd(count, count * index) } }),
  callsIn: () => count / 50,
});
const manyIds = usersByIdsAttack(200, 40);
/** A large input is parsed later, in a slice: the request counts as one call on arrival, and as nine more after parsing. */
const mostIds: Attack = { ...usersByIdsAttack(500, 60), lost: 10 * (connections - 1) };
const unknownProcedures: Attack = {
  limit: 50,
  target: () => queryTarget(Array.from({ length: 50 }, () => 'no.such')),
  callsIn: (answer) => outcomesOf(answer).length,
};

/** Sends one request on each connection beside each of the victim's calls. Returns the number of answered calls. */
const runAttack = async (
  app: TestApp,
  { target, callsIn }: Attack,
  headers: Record<string, string>,
  victimCall: () => Promise<void>,
): Promise<{ answered: number; rejected: number }> => {
  using raw = createRawConnections(app.url);
  let [sent, answered, rejected] = [0, 0, 0];
  const attack = async () => {
    sent += 1;
    const answer = await raw.ask({ target: target(sent), headers });
    if (answer.status === 429) rejected += 1;
    else answered += callsIn(answer);
  };
  for (let call = 0; call < victimCalls; call += 1) {
    await Promise.all([...Array.from({ length: connections }, attack), victimCall()]);
  }
  return { answered, rejected };
};

describe.each(dialects)('the request limit with the %s dialect', (dialect) => {
  it.each<[string, Attack, (app: TestApp) => Promise<Record<string, string>>]>([
    ['batches of 50 calls', batches, async (app) => ({ cookie: `access_token=${await accessOf(app)}` })],
    ['calls for 200 people', manyIds, async (app) => ({ cookie: `access_token=${await accessOf(app)}` })],
    ['calls for 500 people', mostIds, async (app) => ({ cookie: `access_token=${await accessOf(app)}` })],
    [
      'batches of unknown procedures without a token',
      unknownProcedures,
      async () => ({ 'x-forwarded-for': '203.0.113.66' }),
    ],
  ])('limits %s and keeps answering another person', async (name, attack, identify) => {
    await using app = await startApp({
      dialect,
      env: { ...forgetful, RATE_LIMIT_PER_MINUTE: String(attack.limit), TRUST_PROXY: '1', LOG_LEVEL: 'warn' },
    });
    const headers = await identify(app);
    const person = await browserOf(app, 5);
    const victim = createVictim();
    const { answered, rejected } = await runAttack(app, attack, headers, () =>
      victim.attempt(() => person.trpc.users.byId.query({ id: 5 })),
    );
    reportVictim(`${name}, ${dialect}`, victim);
    expect(victim.failures()).toEqual({});
    expect(victim.rate()).toBe(1);
    expect(rejected).toBeGreaterThanOrEqual(minRejections);
    expect(answered).toBeLessThanOrEqual(attack.limit);
    expect(answered).toBeGreaterThanOrEqual(attack.limit - (attack.lost ?? 0));
  });
});

/** The access token of the attacker, a staff user. */
const accessOf = async ({ authService }: TestApp): Promise<string> =>
  (await authService.issue({ type: 'staff', id: 123 })).access;
