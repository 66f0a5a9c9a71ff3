import { afterAll, vi } from 'vitest';
import { flushCaptured } from '../output/captured.ts';

// For all test files. The default timeout of `vi.waitFor` is one second, which is too short on a busy
// machine. It ends with the first success, so a longer timeout costs nothing. `expect.poll` is set in vitest.config.ts.
const { waitFor } = vi;
const patient = { timeout: 30_000, interval: 10 };

vi.waitFor = (check, options) =>
  waitFor(check, { ...patient, ...(typeof options === 'number' ? { timeout: options } : options) });

// A worker is ended without an event that could write them.
afterAll(flushCaptured);
