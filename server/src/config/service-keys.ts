import { policy } from '../api/policy.ts';
import { type Parsed, toList } from './parse.ts';

/** A service that may call without a person. */
export type ServiceGrant = {
  name: string;
  /** SHA-256 of its key: 64 hexadecimal digits in lower case. */
  keyHash: string;
  procedures: readonly string[];
};

const expected =
  'expected entries name:hash:procedure|procedure, comma-separated, as `auth-bff key <name>` prints them';

/** A plain name, because it appears in logs. */
const serviceName = /^[a-z][a-z\d_-]{0,39}$/i;

export const isServiceName = (text: string): boolean => serviceName.test(text);

/** The procedures that a service may be granted. */
export const grantableProcedures: readonly string[] = Object.entries(policy).flatMap(([path, { service }]) =>
  service === undefined ? [] : [path],
);

/** Only names of our procedures are repeated: a misplaced key could be anywhere in the text. */
const faultOfProcedure = (procedure: string): string | null => {
  if (grantableProcedures.includes(procedure)) return null;
  return Object.hasOwn(policy, procedure)
    ? `grants ${procedure}, which services cannot call`
    : 'names an unknown procedure';
};

/** What is wrong with an entry: a clause that continues after `entry 2`. Null: nothing. */
const faultOf = (entry: string): string | null => {
  const [name = '', hash = '', procedures, ...rest] = entry.split(':');
  if (!isServiceName(name)) {
    return 'has a bad name: up to 40 letters, digits, hyphens and underscores, the first a letter';
  }
  if (!/^[\da-f]{64}$/i.test(hash)) return 'has a bad hash: it is the SHA-256 of the key in 64 hexadecimal digits';
  if (procedures === undefined || procedures.trim() === '') return 'grants no procedure';
  if (rest.length > 0) return 'has more than three parts: separate procedures by |';
  const faults = toProcedures(procedures).flatMap((procedure) => faultOfProcedure(procedure) ?? []);
  return faults[0] ?? null;
};

const toProcedures = (text: string): string[] => [...new Set(text.split('|').map((part) => part.trim()))];

const toGrant = (entry: string): ServiceGrant => {
  const [name = '', hash = '', procedures = ''] = entry.split(':');
  return { name, keyHash: hash.toLowerCase(), procedures: toProcedures(procedures) };
};

/** The position of the first value that an earlier one equals. Null: all differ. */
const repeatedAt = (values: readonly string[]): number | null => {
  const at = values.findIndex((value, index) => values.indexOf(value) < index);
  return at < 0 ? null : at;
};

/** SERVICE_KEYS. Names compare without case, so that log lines of two services cannot be confused. */
export const parseServiceKeys = (text: string): Parsed<ServiceGrant[]> => {
  const entries = toList(text);
  const faults = entries.flatMap((entry, index) => {
    const fault = faultOf(entry);
    return fault === null ? [] : [`entry ${index + 1} ${fault}`];
  });
  if (faults.length > 0) return { fault: `${expected} (${faults.slice(0, 3).join('; ')})` };
  const grants = entries.map(toGrant);
  const sameName = repeatedAt(grants.map(({ name }) => name.toLowerCase()));
  if (sameName !== null) return { fault: `${expected} (entry ${sameName + 1} has the name of an earlier entry)` };
  const sameHash = repeatedAt(grants.map(({ keyHash }) => keyHash));
  if (sameHash !== null) return { fault: `${expected} (entry ${sameHash + 1} has the hash of an earlier entry)` };
  return { value: grants };
};
