import { vi, expect } from 'vitest';
import type { Subject } from '../../../server/dev/auth-service/people/people.ts';
import { type Browser, createBrowser } from '../app/browser.ts';
import { createClock, startApp, type StartAppOptions, type TestApp } from '../app/start-app.ts';
import type { StartTimer } from '../../../server/src/platform/start-timer.ts';
import { openEvents, type OpenEvents, type OpenEventsOptions } from './open-events.ts';

export const technicians = { system: 'TTS', role: 'Technician' };
export const technician: Subject = { type: 'staff', id: 123 };

type Open = Partial<Omit<OpenEventsOptions, 'url'>>;

/** Opens subscriptions of the holder of an access token. */
export const subscriber = ({ url }: Pick<TestApp, 'url'>, access: string | null) => {
  const open = (path: string, input: unknown, { headers, ...more }: Open = {}): Promise<OpenEvents> =>
    openEvents({
      url,
      path,
      input,
      ...more,
      headers: { ...(access === null ? {} : { cookie: `access_token=${access}` }), ...headers },
    });
  return {
    onTurn: (options?: Open) => open('assignments.onTurn', technicians, options),
    onEnd: (options?: Open) => open('session.onEnd', undefined, options),
    open,
  };
};

/** Timers that are started again by their own task: each fires once a call. */
const createRounds = () => {
  const running = new Set<() => void>();
  const start: StartTimer = (task) => {
    const own = () => task();
    running.add(own);
    return () => void running.delete(own);
  };
  return {
    start,
    fire(): void {
      // A copy: a task that starts its timer again would otherwise run again in this loop.
      const due = [...running];
      for (const task of due) if (running.delete(task)) task();
    },
  };
};

/** An app whose clock and whose checks of all subscriptions the test controls. */
export const startLive = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const timers = createRounds();
  let monotonicMs = 0;
  const app = await startApp({
    now: clock.now,
    monotonicNow: () => monotonicMs,
    startLiveTimer: timers.start,
    ...options,
  });
  const signIn = async (subject: Subject = technician, claims: Record<string, unknown> = {}) => {
    const tokens = await app.authService.issue(subject, claims);
    const browser: Browser = createBrowser({ url: app.url });
    browser.holdTokens(tokens);
    return { ...tokens, browser, ...subscriber(app, tokens.access) };
  };
  const opsUrl = await app.listenOps();
  /** The number of open subscriptions, from the metrics. */
  const openCount = async (): Promise<number> => {
    const text = await (await fetch(`${opsUrl}/metrics`)).text();
    return Number(/^auth_bff_open_subscriptions (\d+)$/m.exec(text)?.[1]);
  };
  return {
    app,
    clock,
    openCount,
    /** Advances both clocks, and checks all subscriptions. */
    pass(ms: number): void {
      clock.advance(ms);
      monotonicMs += ms;
      timers.fire();
    },
    /** Advances the monotonic clock alone, and checks all subscriptions. */
    passTime(ms: number): void {
      monotonicMs += ms;
      timers.fire();
    },
    signIn,
    anonymous: subscriber(app, null),
    /** Resolves once these streams get their events. */
    isOpen: async (...streams: OpenEvents[]): Promise<void> => {
      for (const stream of streams) await vi.waitFor(() => expect(stream.events()[0]?.event).toBe('connected'));
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};

export type Live = Awaited<ReturnType<typeof startLive>>;
