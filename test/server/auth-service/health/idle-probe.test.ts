import { expect, it, vi } from 'vitest';
import { createBrowser } from '../../../support/app/browser.ts';
import { freePort } from '../../../support/processes/run-process.ts';
import { apiKey, signingKey, startApp, type StartAppOptions } from '../../../support/app/start-app.ts';
import { hold } from '../../../support/time/hold.ts';
import { startAuthService } from '../../../../server/dev/auth-service/auth-service.ts';
import type { StartTimer } from '../../../../server/src/platform/start-timer.ts';

const seconds = (count: number) => count * 1_000;

/** An app whose probe timers run when the test says so, with the wait of the last one. */
const start = async (options: StartAppOptions = {}) => {
  const waits: number[] = [];
  let due: (() => void) | null = null;
  /** Runs the task of the timer that was started last, but not that of a timer that the task starts. */
  const fire = () => {
    const task = due;
    due = null;
    task?.();
  };
  let nowMs = 5_000_000;
  const startProbeTimer: StartTimer = (task, ms) => {
    waits.push(ms);
    due = task;
    return () => {
      due = null;
    };
  };
  const app = await startApp({ startProbeTimer, monotonicNow: () => nowMs, recoveryEveryMs: 3_600_000, ...options });
  const ready = async () => (await (await fetch(`${app.url}/health/ready`)).json()) as Record<string, unknown>;
  return {
    app,
    waits,
    fire,
    /** Time passes, and then the timer is due. */
    pass(ms: number): void {
      nowMs += ms;
      fire();
    },
    /** Time passes, and no timer is due. */
    advance: (ms: number) => void (nowMs += ms),
    ready,
    state: async () => (await ready()).authService,
    probes: () => app.authService.calls.length,
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};

it('The Auth Service is unknown, not up, until the BFF has asked it', async () => {
  await using test = await start();
  expect(await test.ready()).toMatchObject({ status: 'ok', authService: 'unknown' });
  const metrics = await (await fetch(`${await test.app.listenOps()}/metrics`)).text();
  expect(metrics).toContain('\nauth_bff_auth_service_state{state="unknown"} 1\n');
  expect(metrics).toContain('\nauth_bff_auth_service_state{state="up"} 0\n');
});

it('The BFF asks the Auth Service at its start, without a caller', async () => {
  await using test = await start();
  expect(test.waits).toEqual([0]);
  test.fire();
  await expect.poll(test.state).toBe('up');
  expect(test.probes()).toBe(1);
  await using down = await start({
    upstream: { ...test.app.authService, url: `http://127.0.0.1:${await freePort()}` },
  });
  down.fire();
  await expect.poll(down.state).toBe('down');
});

it('The BFF starts and answers while the Auth Service accepts its probe and says nothing', async () => {
  const { until, release } = hold();
  await using authService = await startAuthService({ signingKey, apiKey });
  authService.fault('*', { kind: 'hold', until });
  await using test = await start({ upstream: authService });
  test.fire();
  await vi.waitFor(() => expect(authService.calls).toHaveLength(1));
  expect(await test.ready()).toMatchObject({ status: 'ok', authService: 'unknown' });
  test.app.deadlines.pass();
  await expect.poll(test.state).toBe('down');
  release();
});

it('The BFF asks again 30 s after the last result, as long as nobody calls', async () => {
  await using test = await start();
  test.fire();
  await vi.waitFor(() => expect(test.waits).toEqual([0, seconds(30)]));
  test.app.authService.fault('*', { kind: 'status', status: 503 });
  test.pass(seconds(30));
  await expect.poll(test.state).toBe('down');
  test.app.authService.clearFaults();
  const before = test.probes();
  await vi.waitFor(() => expect(test.waits.at(-1)).toBe(seconds(30)));
  test.pass(seconds(30));
  await vi.waitFor(() => expect(test.probes()).toBeGreaterThan(before));
  await expect.poll(test.state).toBe('up');
});

it('The BFF does not probe an Auth Service that it has called in the last 30 s', async () => {
  await using test = await start();
  test.fire();
  await vi.waitFor(() => expect(test.waits).toHaveLength(2));
  test.advance(seconds(20));
  const browser = createBrowser({ url: test.app.url });
  browser.holdTokens(await test.app.authService.issue({ type: 'staff', id: 123 }));
  await browser.trpc.users.byId.query({ id: 5 });
  const called = test.probes();
  test.pass(seconds(10));
  expect(test.waits).toEqual([0, seconds(30), seconds(20)]);
  expect(test.probes()).toBe(called);
  test.pass(seconds(20));
  await vi.waitFor(() => expect(test.probes()).toBe(called + 1));
});
