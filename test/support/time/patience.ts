import { afterAll, vi } from 'vitest';
import { flushCaptured } from '../output/captured.ts';

// For all test files. `vi.waitFor` gives up after a second unless it is told otherwise, which is too soon on a busy
// machine. It ends with the first success, so patience costs nothing. What `expect.poll` has is in vitest.config.ts.
const { waitFor } = vi;
const patient = { timeout: 30_000, interval: 10 };

vi.waitFor = (check, options) =>
  waitFor(check, { ...patient, ...(typeof options === 'number' ? { timeout: options } : options) });

// A worker is ended without an event that could write them.
afterAll(flushCaptured);
