import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { codeOfReason, type ErrorData, type Reason } from '@auth-bff/shared';
import { TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';
import { type AuthClientOptions, type AuthSession, errorAction, type RetryOptions } from '../../client/src/index.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const clientReadme = await readFile(`${root}client/README.md`, 'utf8');

/** The rows of the table whose header has this text, as the texts of their cells. */
const tableOf = (markdown: string, header: string): string[][] => {
  const lines = markdown.split('\n');
  const at = lines.findIndex((line) => line.startsWith('|') && line.includes(header));
  expect(at).toBeGreaterThan(-1);
  const rows = lines.slice(at + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end).map((row) =>
    row
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim()),
  );
};

const codesIn = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

const errorOf = (reason: Reason) => {
  const data: ErrorData = { code: codeOfReason[reason], httpStatus: 400, reason };
  return new TRPCClientError<never>('', { result: { error: { code: -32_000, message: '', data } as never } });
};

describe('the tables of client/README.md', () => {
  it('list the errorAction of each reason', () => {
    const documented = tableOf(clientReadme, '`errorAction(error)`').flatMap(([action, , reasons]) =>
      codesIn(reasons).map((reason) => [reason, codesIn(action)[0]] as const),
    );
    const actual = (Object.keys(codeOfReason) as Reason[]).map(
      (reason) => [reason, errorAction(errorOf(reason))] as const,
    );
    expect(new Map(documented)).toEqual(new Map([...actual, ['network', errorAction(new TypeError('fetch failed'))]]));
  });

  it('name each option and each member of the session', () => {
    const options = {
      url: true,
      fetch: true,
      headers: true,
      onSignedOut: true,
      onSessionChange: true,
      links: true,
      live: true,
      notifyOnSubscribe: true,
      refreshThresholdSeconds: true,
      refreshWhileHidden: true,
      refreshTimeoutMs: true,
      locks: true,
      channel: true,
      clock: true,
      random: true,
      retry: true,
    } satisfies Record<keyof AuthClientOptions, true>;
    const ofRetry = { attempts: true, baseDelayMs: true, maxDelayMs: true, budget: true } satisfies Record<
      keyof RetryOptions,
      true
    >;
    const members = {
      current: true,
      subscribe: true,
      load: true,
      refresh: true,
      signOut: true,
      fetch: true,
      dispose: true,
    } satisfies Record<keyof AuthSession, true>;

    const documentedOptions = tableOf(clientReadme, '| option |').flatMap(([option]) => codesIn(option));
    const allOptions = [...Object.keys(options), ...Object.keys(ofRetry).map((option) => `retry.${option}`)];
    expect(documentedOptions.toSorted()).toEqual(allOptions.toSorted());
    const documentedMembers = tableOf(clientReadme, '| member |').flatMap(([member]) => codesIn(member).slice(0, 1));
    const allMembers = Object.keys(members).map((member) => `session.${member}`);
    expect(documentedMembers.map((member) => member.replace(/\(.*/, '')).toSorted()).toEqual(allMembers.toSorted());
  });
});
