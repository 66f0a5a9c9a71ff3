import { parseArgs } from 'node:util';
import type { Dialect } from '../../server/dev/auth-service/auth-service.ts';

const usage =
  'Usage: npm run soak -- [--seconds 600] [--rate 300] [--clients 100] [--replicas 3] [--dialect deployed|guide]';

export type SoakOptions = {
  /** Seconds of load, without the time to start and to end. */
  seconds: number;
  /** Calls a second, of all clients together. */
  rate: number;
  clients: number;
  replicas: number;
  dialect: Dialect;
};

/** Reads the options of `npm run soak`. Throws with the usage if one is wrong. */
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
    // Shorter runs have no calm time between two faults.
    seconds: toCount('seconds', 60),
    rate: toCount('rate', 1),
    clients: toCount('clients', 1),
    // The death of one must leave at least two, as in production.
    replicas: toCount('replicas', 3),
    dialect,
  };
};
