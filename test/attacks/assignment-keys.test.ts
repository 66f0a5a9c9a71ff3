import { describe, expect, it } from 'vitest';
import { defaultAssignmentLimits } from '../../server/src/assignment/assignment-limits.ts';
import { browserOf, crowd } from '../support/app/crowd.ts';
import { readExposition, valueOf } from '../support/output/exposition.ts';
import { startApp, type StartAppOptions, type TestApp } from '../support/app/start-app.ts';
import { createVictim, reportVictim } from '../support/app/victim.ts';

const callsPerBatch = 50;
/** The estimated upper bound of the store's memory: 260 bytes per key, 600 per entry of the history, plus the rotation and its people. */
const bytesOfKeys = (count: number) => count * (260 + 600) + 10_000;

type Outcome = 'assigned' | 'rate_limited';
type Line = { result?: unknown; error?: { json: { data: { reason: Outcome; retryAfterSeconds?: number } } } };
type Turn = { role: string; key: string };

/** Makes assignments in TTS as fast as batches allow, and counts the outcomes of the calls. */
const push = async (app: TestApp, person: number, turns: readonly Turn[]) => {
  const { access } = await app.authService.issue({ type: 'staff', id: person });
  const counts: Record<Outcome, number> = { assigned: 0, rate_limited: 0 };
  for (let from = 0; from < turns.length; from += callsPerBatch) {
    const batch = turns.slice(from, from + callsPerBatch);
    const answer = await fetch(`${app.url}/trpc/${batch.map(() => 'assignments.next').join(',')}?batch=1`, {
      method: 'POST',
      headers: { cookie: `access_token=${access}`, 'content-type': 'application/json', 'x-csrf': '1' },
      body: JSON.stringify(
        Object.fromEntries(batch.map((turn, index) => [index, { json: { system: 'TTS', ...turn } }])),
      ),
    });
    for (const { error } of (await answer.json()) as Line[]) {
      counts[error === undefined ? 'assigned' : error.json.data.reason] += 1;
      if (error !== undefined) expect(error.json.data.retryAfterSeconds).toBeGreaterThan(0);
    }
  }
  return counts;
};

const keysOf = (person: number, count: number): Turn[] =>
  Array.from({ length: count }, (_, index) => ({ role: 'Technician', key: `${person}-${index}`.padEnd(200, 'x') }));

/** During the attack, a manager assigns managers: each time with a new key, and then again with the same key. */
const attackBesideAVictim = async (name: string, app: TestApp, attack: Promise<unknown>) => {
  const { trpc } = await browserOf(app, 2);
  const victim = createVictim();
  const progress = { isOver: false };
  const end = attack.finally(() => {
    progress.isOver = true;
  });
  for (let attempt = 0; !progress.isOver || attempt < 20; attempt += 1) {
    const turn = { system: 'TTS', role: 'Manager', key: `M-${attempt % 500}` };
    await victim.attempt(async () => {
      const { assignee } = await trpc.assignments.next.mutate(turn);
      if (assignee === null) throw new Error('Expected an assignee.');
      const again = await trpc.assignments.next.mutate(turn);
      if (again.assignee?.id !== assignee.id) throw new Error('The same key returned another assignee.');
    });
  }
  await end;
  reportVictim(name, victim);
  expect(victim.failures()).toEqual({});
  expect(victim.rate()).toBe(1);
};

const metricsOf = async (app: TestApp) => {
  const address = await app.listenOps();
  return readExposition(await (await fetch(`${address}/metrics`)).text());
};

const start = (options: Pick<StartAppOptions, 'assignmentLimits'> = {}) =>
  startApp({ ...options, env: { RATE_LIMIT_PER_MINUTE: '0', LOG_LEVEL: 'error' } });

describe('new assignment keys at the maximum rate', () => {
  it('by one person are limited to 2,000, and other people are still assigned', async () => {
    await using app = await start();
    const attack = push(app, 123, keysOf(123, 2_100));
    await attackBesideAVictim('One person pushes assignment keys', app, attack);
    expect(await attack).toEqual({ assigned: 2_000, rate_limited: 100 });
    const metrics = await metricsOf(app);
    expect(valueOf(metrics, 'auth_bff_assignment_memory_bytes', {})).toBeLessThan(bytesOfKeys(2_500));
    expect(valueOf(metrics, 'auth_bff_rate_limited_total', { limit: 'assignment_keys' })).toBe(100);
  });

  it('by 16 people are limited per rotation, and other people are still assigned', async () => {
    expect(defaultAssignmentLimits.keysPerRotationPerHour).toBe(20_000);
    await using app = await start({ assignmentLimits: { keysPerPersonPerHour: 300, keysPerRotationPerHour: 800 } });
    const attack = Promise.all(crowd(16).map((person) => push(app, person, keysOf(person, 60))));
    await attackBesideAVictim('16 people push assignment keys', app, attack);
    const counts = await attack;
    expect(counts.reduce((sum, { assigned }) => sum + assigned, 0)).toBe(800);
    const bytes = valueOf(await metricsOf(app), 'auth_bff_assignment_memory_bytes', {});
    // The keys of the attackers, and at most 500 of the victim.
    expect(bytes).toBeLessThan(bytesOfKeys(1_300));
  });

  it('in made-up roles start at most 100 rotations an hour', async () => {
    await using app = await start();
    // This Auth Service returns people for any role name, so each made-up role starts a rotation.
    app.authService.fault('round-robin', { kind: 'body', body: '{"user_ids":[2,5]}' });
    const turns = Array.from({ length: 150 }, (_, index) => ({
      role: `Manager${'\u200b'.repeat(90)}${index}`,
      key: 'T-1',
    }));
    const attack = push(app, 123, turns);
    await attackBesideAVictim('One person makes up rotations', app, attack);
    expect(await attack).toEqual({ assigned: 100, rate_limited: 50 });
    const bytes = valueOf(await metricsOf(app), 'auth_bff_assignment_memory_bytes', {});
    expect(bytes).toBeLessThan(100 * 3_200 + bytesOfKeys(700));
  });
});
