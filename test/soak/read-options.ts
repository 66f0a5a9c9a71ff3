import { parseArgs } from 'node:util';
import type { Dialect } from '../../server/dev/auth-service/auth-service.ts';

const usage =
  'Usage: npm run soak -- [--seconds 600] [--rate 300] [--clients 100] [--replicas 3] [--dialect deployed|guide]';

export type SoakOptions = {
  /** Seconds of load, excluding start, sign-in and shutdown. */
  seconds: number;
  /** Calls per second, of all clients together. */
  rate: number;
  clients: number;
  replicas: number;
  dialect: Dialect;
};

/** Parses the options of `npm run soak`. Throws an error with the usage if one is invalid. */
export const readOptions = (args: readonly string[]): SoakOptions => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '600' },
      rate: { type: 'string', default: '300' },
      clients: { type: 'string', default: '100' },
      replicas: { type: 'string', default: '3' },
      dialect: { type: 'string', default: 'deployed' },
    },
  });
  const toCount = (name: 'seconds' | 'rate' | 'clients' | 'replicas', least: number): number => {
    const count = Number(values[name]);
    if (Number.isInteger(count) && count >= least) return count;
    throw new Error(`--${name}: expected a whole number from ${least}, got ${values[name]}\n${usage}`);
  };
  const { dialect } = values;
  if (dialect !== 'deployed' && dialect !== 'guide') {
    throw new Error(`--dialect: expected deployed or guide, got ${dialect}\n${usage}`);
  }
  return {
    // Shorter runs leave no time without faults between two faults.
    seconds: toCount('seconds', 60),
    rate: toCount('rate', 1),
    clients: toCount('clients', 1),
    // At least two replicas must remain after one is killed, as in production.
    replicas: toCount('replicas', 3),
    dialect,
  };
};
