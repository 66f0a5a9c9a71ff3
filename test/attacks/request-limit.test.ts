import { describe, expect, it } from 'vitest';
import { browserOf, crowd } from '../support/app/crowd.ts';
import { askRaw, keepingAgent, outcomesOf, queryTarget, type RawAnswer, written } from '../support/app/raw-request.ts';
import { dialects, forgetful, startApp, type TestApp } from '../support/app/start-app.ts';
import { createVictim, tellVictim } from '../support/app/victim.ts';

const limit = 100;
/** Calls that the other person makes meanwhile: fewer than the limit. */
const victimCalls = 20;
/** As many as browsers open to one host. */
const connections = 6;
/** Requests of the attacker that are refused before the attack ends, at least. */
const enoughRefusals = 12;

type Attack = {
  /** The target of the attacker's next request. */
  target: (index: number) => string;
  /** How many calls of the limit an answer is worth. */
  callsIn: (answer: RawAnswer) => number;
  /** Calls of the limit that may be lost to requests that are refused only once their input is read. Default 0. */
  lost?: number;
};

const batches: Attack = {
  target: (index) => {
    const inputs = crowd(50, 50 * index).map((id, at) => [at, JSON.parse(written({ id }))] as const);
    return queryTarget(
      inputs.map(() => 'users.byId'),
      Object.fromEntries(inputs),
    );
  },
  callsIn: (answer) => outcomesOf(answer).filter((outcome) => outcome !== 'rate_limited').length,
};
const askForPeople = (count: number): Attack => ({
  target: (index) => queryTarget('users.byIds', JSON.parse(written({ ids: crowd(count, count * index) }))),
  callsIn: () => count / 50,
});
const manyIds = askForPeople(200);
/** So long an input is read in a slice: the request is counted as one call when it arrives, and as nine more then. */
const mostIds: Attack = { ...askForPeople(500), lost: 10 * (connections - 1) };
const unknownProcedures: Attack = {
  target: () => queryTarget(Array.from({ length: 50 }, () => 'no.such')),
  callsIn: (answer) => outcomesOf(answer).length,
};

/** Sends as fast as the answers come, until enough was refused and `isOver`. Tells how many calls were answered. */
const runAttack = async (
  app: TestApp,
  { target, callsIn }: Attack,
  headers: Record<string, string>,
  isOver: () => boolean,
): Promise<{ answered: number; refused: number }> => {
  using agent = keepingAgent();
  // More than are ever answered. The same ones are sent again to be refused: to write an input takes longer than that.
  const targets = Array.from({ length: 40 }, (_, index) => target(index + 1));
  let [sent, answered, refused] = [0, 0, 0];
  const attacker = async () => {
    while (refused < enoughRefusals || !isOver()) {
      const answer = await askRaw(app.url, { target: targets[(sent += 1) % targets.length] ?? '', headers, agent });
      if (answer.status === 429) refused += 1;
      else answered += callsIn(answer);
    }
  };
  await Promise.all(Array.from({ length: connections }, attacker));
  return { answered, refused };
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
      env: { ...forgetful, RATE_LIMIT_PER_MINUTE: String(limit), TRUST_PROXY: '1' },
    });
    const headers = await identify(app);
    const person = await browserOf(app, 5);
    const victim = createVictim();
    const attacking = runAttack(app, attack, headers, () => victim.attempts() >= victimCalls);
    for (let call = 0; call < victimCalls; call += 1) {
      await victim.attempt(() => person.trpc.users.byId.query({ id: 5 }));
    }
    const { answered, refused } = await attacking;
    tellVictim(`${name}, ${dialect}`, victim);
    expect(victim.failures()).toEqual({});
    expect(victim.rate()).toBe(1);
    expect(refused).toBeGreaterThanOrEqual(enoughRefusals);
    expect(answered).toBeLessThanOrEqual(limit);
    expect(answered).toBeGreaterThanOrEqual(limit - (attack.lost ?? 0));
  });
});

/** Of the attacker, who is of the staff. */
const accessOf = async ({ authService }: TestApp): Promise<string> =>
  (await authService.issue({ type: 'staff', id: 123 })).access;
