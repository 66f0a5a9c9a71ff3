import { describe, expect, it } from 'vitest';
import { ConfigError, configWarnings, loadConfig } from '../../../server/src/config.ts';
import { loadPartialConfig } from '../../../server/src/doctor/partial-config.ts';

const required = {
  DJANGO_JWT_SIGNING_KEY: 'signing-key-of-32-bytes-exactly!',
  AUTH_SERVICE_URL: 'http://auth-service:8000',
  AUTH_API_KEY: 'internal-api-key',
  SEALING_KEY: 'sealing-key-of-at-least-32-bytes-01',
};
const account = { SERVICE_ACCOUNT_EMAIL: 'desk@example.com', SERVICE_ACCOUNT_PASSWORD: 'long-pass-word-1' };
const [hash, other] = ['a1'.repeat(32), 'b2'.repeat(32)];
const load = (changes: Record<string, string>) => loadConfig({ ...required, ...changes });

const faultsOf = (changes: Record<string, string>) => {
  try {
    load(changes);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
};

describe('SERVICE_KEYS', () => {
  it('names services, the hashes of their keys and their procedures', () => {
    const text = ` desk:${hash.toUpperCase()}:users.byId|employees.byId|users.byId , kiosk-2:${other}:status.get,`;
    expect(load({ SERVICE_KEYS: text }).services).toEqual([
      { name: 'desk', keyHash: hash, procedures: ['users.byId', 'employees.byId'] },
      { name: 'kiosk-2', keyHash: other, procedures: ['status.get'] },
    ]);
    expect(load({}).services).toEqual([]);
  });

  it.each([
    ['a bad name', `de sk:${hash}:users.byId`, 'entry 1 has a bad name'],
    ['no name', `:${hash}:users.byId`, 'entry 1 has a bad name'],
    ['a long name', `${'d'.repeat(41)}:${hash}:users.byId`, 'entry 1 has a bad name'],
    ['a key where its hash should be', 'desk:secret-of-the-desk:users.byId', 'entry 1 has a bad hash'],
    ['a short hash', `desk:${hash.slice(1)}:users.byId`, 'entry 1 has a bad hash'],
    ['no procedure', `desk:${hash}`, 'entry 1 grants no procedure'],
    ['an empty list of procedures', `desk:${hash}: `, 'entry 1 grants no procedure'],
    ['the placeholder of auth-bff key', `desk:${hash}:<procedures>`, 'entry 1 names an unknown procedure'],
    ['an unknown procedure', `desk:${hash}:users.byId|secret-of-the-desk`, 'entry 1 names an unknown procedure'],
    ['a name of Object.prototype', `desk:${hash}:toString`, 'entry 1 names an unknown procedure'],
    ['a procedure for people', `desk:${hash}:session.me`, 'entry 1 grants session.me, which services cannot call'],
    ['a procedure for sign-in', `desk:${hash}:session.login`, 'entry 1 grants session.login'],
    ['a fourth part', `desk:${hash}:users.byId:users.byIds`, 'entry 1 has more than three parts: separate'],
    ['procedures separated by a comma', `desk:${hash}:users.byId,users.byIds`, 'entry 2 has a bad name'],
    ['a name twice', `desk:${hash}:users.byId,Desk:${other}:users.byId`, 'entry 2 has the name of an earlier entry'],
    ['a hash twice', `desk:${hash}:users.byId,kiosk:${hash}:users.byId`, 'entry 2 has the hash of an earlier entry'],
  ])('with %s is a fault', (_name, text, says) => {
    const [first, ...others] = faultsOf({ SERVICE_KEYS: text });
    expect(others).toEqual([]);
    expect(first?.variable).toBe('SERVICE_KEYS');
    expect(first?.fault).toMatch(/^expected entries name:hash:procedure\|procedure, .*auth-bff key/);
    expect(first?.fault).toContain(says);
    expect(first?.fault).not.toMatch(/secret-of|a1a1/);
  });
});

describe('the service account', () => {
  it('is an e-mail address and a password, which keeps its white space', () => {
    const changes = { SERVICE_ACCOUNT_EMAIL: ' desk@example.com ', SERVICE_ACCOUNT_PASSWORD: ' pass, word ' };
    expect(load(changes).serviceAccount).toEqual({ email: 'desk@example.com', password: ' pass, word ' });
    expect(load({}).serviceAccount).toBeNull();
  });

  it.each([
    [
      { SERVICE_ACCOUNT_EMAIL: account.SERVICE_ACCOUNT_EMAIL },
      'SERVICE_ACCOUNT_EMAIL',
      /without SERVICE_ACCOUNT_PASSWORD; expected both/,
    ],
    [
      { SERVICE_ACCOUNT_PASSWORD: account.SERVICE_ACCOUNT_PASSWORD },
      'SERVICE_ACCOUNT_PASSWORD',
      /without SERVICE_ACCOUNT_EMAIL; expected both/,
    ],
    [
      { ...account, SERVICE_ACCOUNT_EMAIL: 'desk' },
      'SERVICE_ACCOUNT_EMAIL',
      /expected the e-mail address of a staff account/,
    ],
  ])('of %j is a fault of %s', (changes, variable, says) => {
    expect(faultsOf(changes)).toEqual([{ variable, fault: expect.stringMatching(says) }]);
    expect(JSON.stringify(faultsOf(changes))).not.toContain(account.SERVICE_ACCOUNT_PASSWORD);
    // The doctor reports the fault and runs its other checks.
    expect([...loadPartialConfig({ ...required, ...changes }).faults.keys()]).toEqual([variable]);
  });

  it('is missing for services that need it: a warning names them', () => {
    const services = `desk:${hash}:users.byId|employees.byId|users.byRole,kiosk:${other}:employees.byId|status.get`;
    expect(configWarnings(load({ SERVICE_KEYS: services }))).toEqual([
      'SERVICE_KEYS grants desk users.byId and users.byRole, but there is no service account, so these calls fail with insufficient_permissions. Set SERVICE_ACCOUNT_EMAIL and SERVICE_ACCOUNT_PASSWORD to those of a staff account for services.',
    ]);
    expect(configWarnings(load({ SERVICE_KEYS: services, ...account }))).toEqual([]);
    expect(configWarnings(load({ SERVICE_KEYS: `kiosk:${other}:employees.byId` }))).toEqual([]);
  });

  it('has a warning for white space around its password, which shows nothing of it', () => {
    const [warning] = configWarnings(load({ ...account, SERVICE_ACCOUNT_PASSWORD: 'long-pass-word-1\n' }));
    expect(warning).toContain('SERVICE_ACCOUNT_PASSWORD has leading or trailing white space');
    expect(warning).not.toContain('long-pass');
  });
});
