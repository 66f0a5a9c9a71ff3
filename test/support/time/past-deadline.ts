import { vi } from 'vitest';
import type { Deadlines } from './deadlines.ts';
import type { TestApp } from '../app/start-app.ts';

export type PastDeadlineOptions = {
  deadlines: Deadlines;
  /** Whether the Auth Service has been asked, so that the deadline ends a call that is under way. */
  isAsked: () => boolean;
};

/** The end of a call whose deadline passes as soon as the Auth Service has been asked. */
export const pastDeadline = async <Result>(
  { deadlines, isAsked }: PastDeadlineOptions,
  call: () => Promise<Result>,
): Promise<Result> => {
  const ended = call();
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  ended.then(end, end);
  await vi.waitUntil(() => isOver || isAsked(), { timeout: 30_000, interval: 1 });
  // Again and again: one call may be several of the Auth Service.
  const passing = setInterval(deadlines.pass, 5);
  try {
    deadlines.pass();
    return await ended;
  } finally {
    clearInterval(passing);
  }
};

/** The same before an embedded Auth Service, once it is asked at this endpoint. */
export const pastDeadlineAt = <Result>(
  { authService, deadlines }: Pick<TestApp, 'authService' | 'deadlines'>,
  endpoint: string,
  call: () => Promise<Result>,
): Promise<Result> => {
  const before = authService.count(endpoint);
  return pastDeadline({ deadlines, isAsked: () => authService.count(endpoint) > before }, call);
};
