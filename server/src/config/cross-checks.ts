import { minKeyBytes } from '../token/key-ring.ts';
import { Environment, type Variable, variables } from './environment.ts';
import { isSameListener, type Listener } from './listen-host.ts';
import { findMisnamed, toSecret } from './misnamed.ts';
import { textOf, toList } from './parse.ts';
import { isGiven } from './secret-files.ts';

export type Fault = {
  variable: string;
  /** What is wrong or expected: a clause without the value. */
  fault: string;
};

type Env = Record<string, string | undefined>;

export const isDevelopmentIn = (env: Env): boolean => env.NODE_ENV === 'development';

/** Whether the Auth Service checks signatures (TOKEN_VALIDATION). */
export const isRemoteIn = (env: Env): boolean => textOf(env, 'TOKEN_VALIDATION')?.trim() === 'remote';

const findMissing = (env: Env): Fault[] => {
  const key: [Variable, string] = isRemoteIn(env)
    ? ['SEALING_KEY', `a secret of ${minKeyBytes} bytes or more (TOKEN_VALIDATION is remote)`]
    : ['DJANGO_JWT_SIGNING_KEY', 'the key shared with the Auth Service'];
  const required: Array<[Variable, string]> = [
    key,
    ['AUTH_SERVICE_URL', 'the address of the Auth Service, such as http://auth-service:8000'],
    ['AUTH_API_KEY', 'the key for the internal endpoints of the Auth Service'],
  ];
  const missing = required.filter(([variable]) => !isGiven(env, variable));
  const misnamed = missing.length === 0 ? [] : findMisnamed(env, variables);
  return missing.map(([variable, expected]) => {
    const other = misnamed.find(({ meant }) => toSecret(meant) === variable);
    const hint = other === undefined ? '' : ` (${other.name} is set, but this service reads ${other.meant})`;
    return { variable, fault: `is not set; expected ${expected}${hint}` };
  });
};

const findShortKeys = (env: Env): Fault[] => {
  if (isDevelopmentIn(env)) return [];
  const isRemote = isRemoteIn(env);
  const signingKey = isRemote ? undefined : textOf(env, 'DJANGO_JWT_SIGNING_KEY');
  const previous = isRemote ? [] : toList(textOf(env, 'DJANGO_JWT_SIGNING_KEY_PREVIOUS') ?? '');
  const sealingKey = textOf(env, 'SEALING_KEY');
  const keys: Array<[Variable, what: string, key: string | undefined]> = [
    ['DJANGO_JWT_SIGNING_KEY', 'is', signingKey],
    ...previous.map((key, index): [Variable, string, string] => [
      'DJANGO_JWT_SIGNING_KEY_PREVIOUS',
      `key ${index + 1} is`,
      key,
    ]),
    ['SEALING_KEY', 'is', sealingKey],
  ];
  return keys.flatMap(([variable, what, key]) => {
    const bytes = key === undefined ? minKeyBytes : Buffer.byteLength(key);
    return bytes >= minKeyBytes
      ? []
      : [{ variable, fault: `${what} ${bytes} bytes long; expected ${minKeyBytes} or more outside development` }];
  });
};

/** Null if the host or the port is invalid. */
const readListener = (env: Env, names: [host: 'HOST' | 'OPS_HOST', port: 'PORT' | 'OPS_PORT'], defaultPort: number) => {
  const host = Environment.shape[names[0]].safeParse(env[names[0]]);
  const port = Environment.shape[names[1]].safeParse(env[names[1]]);
  return host.success && port.success
    ? ({ host: host.data ?? defaultHost, port: port.data ?? defaultPort } satisfies Listener)
    : null;
};

export const defaultHost = '127.0.0.1';
export const defaultPort = 4_000;
export const defaultOpsPort = 9_464;

const findPortClash = (env: Env): Fault[] => {
  const main = readListener(env, ['HOST', 'PORT'], defaultPort);
  const ops = readListener(env, ['OPS_HOST', 'OPS_PORT'], defaultOpsPort);
  return main !== null && ops !== null && isSameListener(main, ops)
    ? [{ variable: 'OPS_PORT', fault: 'is the port that PORT already uses on the same address; expected another one' }]
    : [];
};

/** Names the variable that is set, so that the doctor can go on without it. */
const findHalfAccount = (env: Env): Fault[] => {
  const halves = [
    ['SERVICE_ACCOUNT_EMAIL', 'SERVICE_ACCOUNT_PASSWORD'],
    ['SERVICE_ACCOUNT_PASSWORD', 'SERVICE_ACCOUNT_EMAIL'],
  ] as const;
  return halves
    .filter(([variable, other]) => isGiven(env, variable) && !isGiven(env, other))
    .map(([variable, other]) => ({ variable, fault: `is set without ${other}; expected both or neither` }));
};

/** Faults that concern several variables. Reads the environment itself, so that other invalid variables hide none. */
export const crossCheck = (env: Env): Fault[] => [
  ...findMissing(env),
  ...findShortKeys(env),
  ...findPortClash(env),
  ...findHalfAccount(env),
];
