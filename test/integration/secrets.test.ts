import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { capturedFolder } from '../support/output/captured.ts';
import { apiKey, signingKey } from '../support/app/start-app.ts';

const files = existsSync(capturedFolder) ? readdirSync(capturedFolder) : [];
const linesOf = (kind: string) =>
  files
    .filter((name) => name.startsWith(kind))
    .flatMap((name) => readFileSync(`${capturedFolder}${name}`, 'utf8').split('\n'))
    .filter((line) => line !== '');

const secrets: Array<[string, RegExp]> = [
  ['a token', /eyJ[\w-]+\.[\w-]+\.[\w-]+/],
  ['a signing key', new RegExp(signingKey)],
  ['the API key', new RegExp(apiKey)],
  ['a password', /(staff|employee)-pass-1|pa55-word-1/],
  ['a cookie', /(access|refresh)_token=/],
];

// A run of single files captures little or nothing; the whole run, as in CI, captures thousands of lines.
describe.skipIf(files.length === 0 && process.env.CI === undefined)(
  'the log lines and responses of the whole test run',
  () => {
    it('were captured', () => {
      expect(linesOf('log').length).toBeGreaterThan(0);
      expect(linesOf('answer').length).toBeGreaterThan(0);
    });

    it.each(secrets)('never contain %s', (_name, secret) => {
      expect([...linesOf('log'), ...linesOf('answer')].filter((line) => secret.test(line))).toEqual([]);
    });

    it('include lines of every level, with the causes of failures', () => {
      const lines = linesOf('log').map((line) => JSON.parse(line) as { level: number; causes?: unknown });
      expect(lines.map(({ level }) => level)).toContain(20);
      expect(lines.some(({ causes }) => Array.isArray(causes) && causes.length > 0)).toBe(true);
    });

    // Responses contain the e-mail addresses of people on purpose.
    it('contain no e-mail address in the log', () => {
      expect(linesOf('log').filter((line) => /[\w.+-](@|%40)[\w-]/.test(line))).toEqual([]);
    });

    it('contain no stack outside development', () => {
      expect(linesOf('log').filter((line) => /(?:\\n\s+| {5})at |"stack"/.test(line))).toEqual([]);
    });
  },
);
