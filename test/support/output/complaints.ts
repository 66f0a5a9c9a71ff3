import { afterAll, afterEach, beforeEach, vi } from 'vitest';

/** Fails each test of this file in which React or TanStack Query complains: of a hydration that does not fit, a query without a function. */
export const failOnComplaints = () => {
  const consoleError = vi.spyOn(console, 'error');
  beforeEach(() => {
    consoleError.mockClear();
  });
  afterEach(() => {
    const [complaint] = consoleError.mock.calls;
    if (complaint) throw new Error(complaint.join(' '));
  });
  // Other files share the worker.
  afterAll(() => consoleError.mockRestore());
  return consoleError;
};
