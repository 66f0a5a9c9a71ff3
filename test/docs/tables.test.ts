import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOfReason, httpStatusOfCode, type ErrorData, type Reason } from '@auth-bff/shared';
import { TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';
import { errorAction } from '../../client/src/index.ts';
import { appRouter } from '../../server/src/api/router.ts';
import { loadConfig, variables } from '../../server/src/config.ts';
import { codeSpansIn, readPage, root, rowsOf } from '../support/docs/markdown.ts';
import { readMetricsOfAll } from '../support/docs/all-metrics.ts';

const readme = readPage('README.md');
const configuration = readPage('docs/configuration.md');
const operations = readPage('docs/operations.md');

describe('docs/configuration.md', () => {
  const rows = rowsOf(configuration, 'variable');
  const required = {
    AUTH_SERVICE_URL: 'http://auth-service:8000',
    AUTH_API_KEY: 'a-key-0123456789',
    DJANGO_JWT_SIGNING_KEY: 'a-signing-key-of-more-than-32-bytes',
  };
  const spanOf = (cell = '') => codeSpansIn(cell)[0] ?? '';

  it('has a row for each variable that the service reads, and for no other', () => {
    const names = rows.map(([name]) => spanOf(name));
    expect(names.toSorted()).toEqual([...variables].toSorted());
  });

  /** The configuration with one variable set, or the message that refuses it. */
  const configWith = (variable: Record<string, string>): string => {
    // The service account needs both.
    const isOfAccount = Object.keys(variable).some((name) => name.startsWith('SERVICE_ACCOUNT_'));
    const account = isOfAccount ? { SERVICE_ACCOUNT_EMAIL: 'a@b.example', SERVICE_ACCOUNT_PASSWORD: 'a-password' } : {};
    try {
      return JSON.stringify(loadConfig({ ...required, ...account, ...variable }));
    } catch (error) {
      return String(error);
    }
  };
  const unchanged = configWith({});

  it('gives the defaults of the code: setting a variable to its default changes nothing', () => {
    const defaults = rows.filter(([, cell = '']) => /^`[^`]+`$/.test(cell));
    expect(defaults.length).toBeGreaterThan(15);
    const names = defaults.map(([name, value]) => [spanOf(name), spanOf(value)] as const);
    const wrong = names.filter(([name, value]) => configWith({ [name]: value }) !== unchanged);
    expect(wrong).toEqual([]);
  });

  it('gives examples that the service accepts', () => {
    const examples = rows.map((row) => [spanOf(row[0]), spanOf(row[4])] as const);
    const refused = examples.filter(([name, example]) => configWith({ [name]: example }).startsWith('ConfigError'));
    expect(refused).toEqual([]);
  });
});

/** In any order, as comparable texts. */
const sortedRows = (rows: ReadonlyArray<ReadonlyArray<string | undefined>>): string[] =>
  rows.map((row) => row.join(' | ')).toSorted();

const errorOf = (reason: Reason) => {
  const data: ErrorData = { code: codeOfReason[reason], httpStatus: 400, reason };
  return new TRPCClientError<never>('', { result: { error: { code: -32_000, message: '', data } as never } });
};

describe('README.md', () => {
  it('has a row for each error reason, with its status, code and action', () => {
    const rows = rowsOf(readme, '`data.reason`').map(([reason, status, code, action]) => [
      codeSpansIn(reason)[0],
      status,
      codeSpansIn(code)[0],
      codeSpansIn(action)[0],
    ]);
    const expected = (Object.keys(codeOfReason) as Reason[]).map((reason) => {
      const code = codeOfReason[reason];
      return [reason, String(httpStatusOfCode[code]), code, errorAction(errorOf(reason))];
    });
    expect(sortedRows(rows)).toEqual(sortedRows(expected));
  });

  it('has a row for each procedure, with its type', () => {
    const rows = rowsOf(readme, 'procedure').map(([path, type]) => [codeSpansIn(path)[0], type]);
    const procedures = appRouter._def.procedures as unknown as Record<string, { _def: { type: string } }>;
    const expected = Object.entries(procedures).map(([path, { _def }]) => [path, _def.type]);
    expect(sortedRows(rows)).toEqual(sortedRows(expected));
  });
});

const sourceFiles = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(root, folder, name), 'utf8'));

const withoutComments = (source: string): string =>
  source.replaceAll(/\/\*.*?\*\//gs, '').replaceAll(/^\s*\/\/.*$/gm, '');

/** A metric as Prometheus lists it; a histogram is queried by the names of its series. */
const metricsIn = (text: string): string[] => [
  ...new Set(
    [...text.matchAll(/\b(?:auth_bff|nodejs|process)_[a-z0-9_]+/g)].map(([name]) =>
      name.replace(/_seconds_(bucket|count|sum)$/, '_seconds'),
    ),
  ),
];
const prefixes = new Set(['process_', 'nodejs_', 'auth_bff_device']);

describe('docs/operations.md', async () => {
  const families = new Map((await readMetricsOfAll()).map(({ name, type }) => [name, type] as const));

  it('has a row for each metric of the BFF, with its type, and for no other', () => {
    const rows = rowsOf(operations, 'metric').map(([name, type]) => [codeSpansIn(name)[0], type]);
    const expected = [...families].filter(([name]) => name.startsWith('auth_bff_'));
    expect(sortedRows(rows)).toEqual(sortedRows(expected));
  });

  it('and the dashboard mention only metrics that exist', () => {
    const dashboard = readFileSync(join(root, 'docs/grafana-dashboard.json'), 'utf8');
    const { panels } = JSON.parse(dashboard) as { panels: Array<{ targets: Array<{ expr: string }> }> };
    const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    expect(expressions.length).toBeGreaterThan(10);
    const mentioned = metricsIn(`${operations.text}\n${expressions.join('\n')}`);
    expect(mentioned.filter((name) => !families.has(name) && !prefixes.has(name))).toEqual([]);
  });

  it('quotes only log messages that are in the source', () => {
    const source = ['server/src', 'shared/src'].flatMap(sourceFiles).map(withoutComments).join('\n');
    const messages = rowsOf(operations, 'log message').flatMap(([cell]) => codeSpansIn(cell));
    expect(messages.length).toBeGreaterThan(20);
    const isInSource = (message: string) => message.split('…').every((part) => source.includes(part.trim()));
    expect(messages.filter((message) => !isInSource(message))).toEqual([]);
  });
});
