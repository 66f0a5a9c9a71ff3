import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { codeOfReason, type ErrorData, type Reason } from '@auth-bff/shared';
import { TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';
import { type AuthClientOptions, type AuthSession, errorAction, type RetryOptions } from '../../client/src/index.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const snippetsFolder = `${root}test/.snippets/`;

/** What a snippet may use that it does not say where from: what stands in the reader's own code. */
const ambient = `
import type { AuthClient } from '@auth-bff/client';

declare global {
  const trpc: AuthClient['trpc'];
  const session: AuthClient['session'];
  const body: BodyInit;
  const code: string;
  const email: string;
  const password: string;
  const token: string;
}
`;

const tsconfig = {
  extends: '../../../tsconfig.json',
  compilerOptions: { jsx: 'react-jsx' },
  include: ['./*.ts', './*.tsx'],
};

type Snippet = { line: number; extension: string; code: string };

/** The TypeScript in a Markdown text. `line`: where the first line of the code stands in it, counted from 1. */
const snippetsIn = (markdown: string): Snippet[] =>
  [...markdown.matchAll(/^```(tsx?)[^\n]*\n(.*?)^```$/gms)].map(({ 1: extension = '', 2: code = '', index }) => ({
    line: markdown.slice(0, index).split('\n').length + 1,
    extension,
    code,
  }));

/** What tsc says of the snippets in Markdown files, each message with the file and the line where that stands. */
const check = async (files: Record<string, string>): Promise<string[]> => {
  await mkdir(snippetsFolder, { recursive: true });
  const folder = await mkdtemp(snippetsFolder);
  try {
    await writeFile(`${folder}/tsconfig.json`, JSON.stringify(tsconfig));
    await writeFile(`${folder}/ambient.d.ts`, ambient);
    for (const [name, markdown] of Object.entries(files)) {
      for (const { line, extension, code } of snippetsIn(markdown)) {
        // As far down as it stands in the file, so that tsc counts the lines as the reader does.
        const text = `${'\n'.repeat(line - 1)}${code}\nexport {};\n`;
        await writeFile(`${folder}/${name.replaceAll('/', '+')}.${line}.${extension}`, text);
      }
    }
    const tsc = [`${root}node_modules/typescript/bin/tsc`, '--project', folder, '--pretty', 'false'];
    const { stdout } = await promisify(execFile)(process.execPath, tsc, { cwd: folder }).catch((error: unknown) => {
      if (error instanceof Error && 'stdout' in error && error.stdout !== '') return { stdout: String(error.stdout) };
      throw error;
    });
    const messages = stdout.split('\n').filter((line) => line !== '');
    return messages.map((message) =>
      message.replace(/^(\S+)\.\d+\.tsx?\((\d+),(\d+)\): /, (_all, name: string, line: string, column: string) => {
        return `${name.replaceAll('+', '/')}:${line}:${column} `;
      }),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
};

const clientReadme = await readFile(`${root}client/README.md`, 'utf8');
const readme = await readFile(`${root}README.md`, 'utf8');

const outdated = [
  '# Title',
  '```tsx',
  "import { createAuthClient } from '@auth-bff/client';",
  "createAuthClient({ uri: '/trpc' });",
  '```',
  'Text.',
  '```sh',
  'not TypeScript at all',
  '```',
  '```ts',
  'const user = await trpc.users.byId.query({ id: 123 });',
  'user.nickname;',
  '```',
].join('\n');

describe('the snippets of', async () => {
  // One run of tsc for all of them, since it looks at the whole server each time.
  const files = { 'client/README.md': clientReadme, 'README.md': readme, 'docs/outdated.md': outdated };
  const messages = await check(files);

  it.each(['client/README.md', 'README.md'] as const)('%s type-check as they stand', (name) => {
    expect(snippetsIn(files[name])).not.toHaveLength(0);
    expect(messages.filter((message) => !message.startsWith('docs/outdated.md:'))).toEqual([]);
  });

  it('a file that has gone out of date fail with its lines', () => {
    const [user, client, ...others] = messages.filter((message) => message.startsWith('docs/outdated.md:')).toSorted();
    expect(user).toMatch(/^docs\/outdated\.md:12:6 error .*'nickname' does not exist/);
    expect(client).toMatch(/^docs\/outdated\.md:4:20 error .*'uri' does not exist/);
    expect(others).toEqual([]);
  });
});

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
  it('tell of each reason what errorAction does', () => {
    const told = tableOf(clientReadme, '`errorAction(error)`').flatMap(([action, , reasons]) =>
      codesIn(reasons).map((reason) => [reason, codesIn(action)[0]] as const),
    );
    const actual = (Object.keys(codeOfReason) as Reason[]).map(
      (reason) => [reason, errorAction(errorOf(reason))] as const,
    );
    expect(new Map(told)).toEqual(new Map([...actual, ['network', errorAction(new TypeError('fetch failed'))]]));
  });

  it('name each option and each member of the session', () => {
    const options = {
      url: true,
      fetch: true,
      headers: true,
      onSignedOut: true,
      onSessionChange: true,
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

    const toldOptions = tableOf(clientReadme, '| option |').flatMap(([option]) => codesIn(option));
    const allOptions = [...Object.keys(options), ...Object.keys(ofRetry).map((option) => `retry.${option}`)];
    expect(toldOptions.toSorted()).toEqual(allOptions.toSorted());
    const toldMembers = tableOf(clientReadme, '| member |').flatMap(([member]) => codesIn(member).slice(0, 1));
    const allMembers = Object.keys(members).map((member) => `session.${member}`);
    expect(toldMembers.map((member) => member.replace(/\(.*/, '')).toSorted()).toEqual(allMembers.toSorted());
  });
});
