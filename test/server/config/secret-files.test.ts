import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, configWarnings, loadConfig } from '../../../server/src/config.ts';
import { readSecretFiles, secretVariables } from '../../../server/src/config/secret-files.ts';

type Environment = Record<string, string | undefined>;

const secrets = {
  DJANGO_JWT_SIGNING_KEY: 'signing-key-of-32-bytes-exactly!',
  DJANGO_JWT_SIGNING_KEY_PREVIOUS: 'older-signing-key-of-32-bytes-01, older-signing-key-of-32-bytes-02',
  AUTH_API_KEY: 'internal-api-key',
  SEALING_KEY: 'sealing-key-of-at-least-32-bytes-01',
  ASSERTION_KEY: `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----`,
  ASSERTION_KEY_PREVIOUS: '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
  REDIS_URL: 'redis+sentinel://user:pa55word@redis:26379/primary',
  REDIS_SENTINEL_PASSWORD: 'sentinel password',
  SERVICE_KEYS: `desk:${'0a'.repeat(32)}:users.byId`,
  SERVICE_ACCOUNT_PASSWORD: 'a password with spaces',
};
const settings = { AUTH_SERVICE_URL: 'http://auth-service:8000', SERVICE_ACCOUNT_EMAIL: 'services@example.org' };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'auth-bff-secrets-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const fileOf = (content: string | Uint8Array): string => {
  files += 1;
  const path = join(folder, `secret-${files}`);
  writeFileSync(path, content);
  return path;
};

/** The secrets in the environment, with some of them changed. Undefined: without it. */
const environment = (changes: Environment = {}): Environment => ({ ...settings, ...secrets, ...changes });

const inFile = (variable: string, content: string | Uint8Array): Environment => ({
  [variable]: undefined,
  [`${variable}_FILE`]: fileOf(content),
});

const linesOf = (env: Environment): string[] => {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n').slice(1);
    throw error;
  }
  return [];
};

/** With keys as text: two equal KeyObjects are no equal objects. */
const comparable = (env: Environment): string => {
  const { assertionKey, previousAssertionKey, ...others } = loadConfig(env);
  const keys = [assertionKey?.export({ format: 'jwk' }), previousAssertionKey?.export({ format: 'jwk' })];
  return JSON.stringify({ ...others, keys });
};

describe('a secret in a file', () => {
  it('can be each of the secrets of the configuration', () => {
    expect(Object.keys(secrets).toSorted()).toEqual(secretVariables.toSorted());
  });

  it.each(Object.entries(secrets))('has the effect of the variable itself: %s', (variable, secret) => {
    expect(comparable(environment(inFile(variable, secret)))).toBe(comparable(environment()));
    expect(comparable(environment(inFile(variable, `${secret}\n`)))).toBe(comparable(environment()));
  });

  it.each([
    ['one line feed', 'key\n', 'key'],
    ['one carriage return with a line feed', 'key\r\n', 'key'],
    ['only the last of two', 'key\n\n', 'key\n'],
    ['nothing else', ' key \t', ' key \t'],
    ['no carriage return alone', 'key\r', 'key\r'],
  ])('loses %s at its end', (_name, content, expected) => {
    const { env } = readSecretFiles(inFile('SEALING_KEY', content));
    expect(env).toMatchObject({ SEALING_KEY: expected });
  });

  it('is read while the variable itself is blank, as in a template with both', () => {
    const env = environment({ ...inFile('AUTH_API_KEY', 'key-of-the-file'), AUTH_API_KEY: ' ' });
    expect(loadConfig(env).apiKey).toBe('key-of-the-file');
  });

  it('causes the warnings of the variable itself', () => {
    const env = environment(inFile('SEALING_KEY', '"sealing-key-of-at-least-32-bytes-01"\n'));
    expect(configWarnings(loadConfig(env), env)).toEqual([
      expect.stringMatching(/^SEALING_KEY has quotation marks around it/),
    ]);
  });
});

describe('a secret in a file stops the start', () => {
  it('if the variable itself is set, too', () => {
    const env = environment({ SEALING_KEY_FILE: fileOf('sekret-sealing-key-of-at-least-32-bytes') });
    expect(linesOf(env)).toEqual(['  SEALING_KEY: is set, and so is SEALING_KEY_FILE; expected one of them']);
  });

  it('with one message that names every faulty file, its path and the cause', () => {
    const directory = join(folder, 'directory');
    mkdirSync(directory);
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const paths = {
      DJANGO_JWT_SIGNING_KEY: join(folder, 'missing'),
      AUTH_API_KEY: directory,
      SEALING_KEY: pipe,
      ASSERTION_KEY: '/dev/null',
      REDIS_URL: fileOf(' \n'),
      SERVICE_KEYS: fileOf('x'.repeat(65_537)),
      SERVICE_ACCOUNT_PASSWORD: fileOf(Uint8Array.of(0x73, 0x65, 0xff)),
      DJANGO_JWT_SIGNING_KEY_PREVIOUS: fileOf('sekret\0'),
      ASSERTION_KEY_PREVIOUS: join(fileOf('x'), 'below-a-file'),
    };
    const env: Environment = { ...settings };
    for (const [variable, path] of Object.entries(paths)) env[`${variable}_FILE`] = path;
    const faults = {
      DJANGO_JWT_SIGNING_KEY: 'cannot be read (ENOENT)',
      AUTH_API_KEY: 'is a directory; expected a file',
      SEALING_KEY: 'is a pipe, socket or device; expected a regular file',
      ASSERTION_KEY: 'is a pipe, socket or device; expected a regular file',
      REDIS_URL: 'is empty',
      SERVICE_KEYS: 'is larger than 64 kB',
      SERVICE_ACCOUNT_PASSWORD: 'is not UTF-8 text; a random key must be encoded, for example as base64',
      DJANGO_JWT_SIGNING_KEY_PREVIOUS: 'contains a NUL character; expected text',
      ASSERTION_KEY_PREVIOUS: 'cannot be read (ENOTDIR)',
    } satisfies typeof paths;
    const expected = Object.entries(faults).map(
      ([variable, fault]) =>
        `  ${variable}: ${variable}_FILE is ${paths[variable as keyof typeof paths]}: the file ${fault}`,
    );
    expect(linesOf(env).toSorted()).toEqual(expected.toSorted());
  });

  it('and the message says so if the content of the file is invalid, without the content', () => {
    const env = environment({
      ...inFile('AUTH_API_KEY', 'two\nlines\n'),
      ...inFile('SEALING_KEY', 'sekret'),
    });
    expect(linesOf(env)).toEqual([
      expect.stringMatching(/^ {2}AUTH_API_KEY: expected printable ASCII .*\(it is read from AUTH_API_KEY_FILE\)$/),
      '  SEALING_KEY: is 6 bytes long; expected 32 or more outside development (it is read from SEALING_KEY_FILE)',
    ]);
  });

  it.each(['sekret-0123456789', 'redis://user:sekret@redis', '-----BEGIN sekret-----\n', 'c2VrcmV0+/=='])(
    'and the message does not repeat what may be the secret in place of its path: %j',
    (secret) => {
      const [line, ...others] = linesOf(environment({ REDIS_URL: undefined, REDIS_URL_FILE: secret }));
      expect(others).toEqual([]);
      expect(line).toMatch(/^ {2}REDIS_URL: REDIS_URL_FILE is a path that is not shown.*\(ENOENT\)$/);
      expect(line).not.toContain(secret.trim());
    },
  );
});

describe('a variable whose name is almost that of a file', () => {
  it.each([
    ['AUTH_APIKEY_FILE', 'AUTH_API_KEY'],
    ['JWT_SIGNING_KEY_FILE', 'DJANGO_JWT_SIGNING_KEY'],
  ])('is mentioned in the error of the missing secret: %s', (name, variable) => {
    const alone = environment({ [variable]: undefined, [name]: '/run/secrets/one' });
    expect(linesOf(alone).join('\n')).toContain(`(${name} is set, but this service reads ${variable}_FILE)`);
  });

  it.each([
    ['SEALING_KEYFILE', 'SEALING_KEY'],
    ['REDIS_URI_FILE', 'REDIS_URL'],
  ])('is warned about: %s', (name, variable) => {
    const alone = environment({ [variable]: undefined, [name]: '/run/secrets/one' });
    expect(configWarnings(loadConfig(alone), alone)).toContain(
      `${name} is set, but is not a variable of this service. Set ${variable}_FILE instead.`,
    );
  });

  it('is not to be set beside the secret itself', () => {
    const env = environment({ SEALING_KEYFILE: '/run/secrets/one' });
    expect(configWarnings(loadConfig(env), env)).toEqual([
      'SEALING_KEYFILE is set, but is not a variable of this service. Remove it if it was meant as SEALING_KEY, which is set as well.',
    ]);
  });

  it('is ignored with a warning if the variable is not a secret', () => {
    const env = environment({ AUTH_SERVICE_PUBLIC_URL_FILE: '/run/secrets/url' });
    expect(configWarnings(loadConfig(env), env)).toEqual([
      'AUTH_SERVICE_PUBLIC_URL_FILE is set, but is ignored: only secrets are read from files, and AUTH_SERVICE_PUBLIC_URL is not a secret. Set AUTH_SERVICE_PUBLIC_URL instead.',
    ]);
    const without = environment({ AUTH_SERVICE_URL: undefined, AUTH_SERVICE_URL_FILE: '/run/secrets/url' });
    expect(linesOf(without).join('\n')).toContain(
      'AUTH_SERVICE_URL_FILE is set, but this service reads AUTH_SERVICE_URL',
    );
  });

  it('may be that of another program', () => {
    const env = environment({ LOG_FILE: '/a', PORT_FILE: '/a', PID_FILE: '/a', SSL_CERT_FILE: '/a', ENV_FILE: '/a' });
    expect(configWarnings(loadConfig(env), env)).toEqual([]);
  });
});
