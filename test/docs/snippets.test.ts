import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CodeBlock, codeBlocksIn, type Page, readPages, root } from '../support/docs/markdown.ts';
import { runTsc } from '../support/processes/run-tsc.ts';

const snippetsFolder = `${root}test/.snippets/`;

/** Globals of the snippets: names that belong to the reader's own code. */
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
  include: ['./**/*.ts', './**/*.tsx'],
};

/** The pages with the files of an application of another framework. Packed tests compile them. */
const pagesOfApps = new Set([
  ...['next', 'svelte', 'svelte-kit', 'vue', 'without-a-framework'].map((name) => `docs/frontends/${name}.md`),
  'docs/middleware.md',
  'docs/rest.md',
]);

/** Files that import a package of which only the packed tests have a copy. */
const filesOfApps = new Set(['docs/frontends/react.md/src/Guarded.tsx']);

const isTypeScript = ({ language, path, file }: CodeBlock): boolean =>
  (language === 'ts' || language === 'tsx') &&
  !(file !== null && (pagesOfApps.has(path) || filesOfApps.has(`${path}/${file}`)));

/** The errors of one run of tsc over all snippets of the pages, each with the page and the line of the snippet. */
const compile = async (pages: readonly Page[]): Promise<string[]> => {
  await mkdir(snippetsFolder, { recursive: true });
  const folder = await mkdtemp(snippetsFolder);
  try {
    await writeFile(`${folder}/tsconfig.json`, JSON.stringify(tsconfig));
    await writeFile(`${folder}/ambient.d.ts`, ambient);
    for (const { path, line, language, file, code } of pages.flatMap(codeBlocksIn).filter(isTypeScript)) {
      // Preceded by empty lines, so that tsc reports the line of the page.
      const text = `${'\n'.repeat(line - 1)}${code}\nexport {};\n`;
      // Files of one application import each other, so they keep their paths.
      const name = `${path.replaceAll('/', '+')}${file === null ? `.${line}.${language}` : `/${file}`}`;
      await mkdir(dirname(`${folder}/${name}`), { recursive: true });
      await writeFile(`${folder}/${name}`, text);
    }
    const messages = await runTsc(folder);
    return messages.map((message) =>
      message.replace(
        /^(\S+\.md)[./]\S+?\.tsx?\((\d+),(\d+)\): /,
        (_all, name: string, line: string, column: string) => {
          return `${name.replaceAll('+', '/')}:${line}:${column} `;
        },
      ),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
};

const outdated: Page = {
  path: 'outdated.md',
  text: [
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
  ].join('\n'),
};

describe('the TypeScript snippets', async () => {
  const pages = readPages();
  const messages = await compile([...pages, outdated]);

  it('of every page type-check', () => {
    expect(pages.flatMap(codeBlocksIn).filter(isTypeScript).length).toBeGreaterThan(10);
    expect(messages.filter((message) => !message.startsWith('outdated.md:'))).toEqual([]);
  });

  it('of an outdated page fail with the lines of the page', () => {
    const [user, client, ...others] = messages.filter((message) => message.startsWith('outdated.md:')).toSorted();
    expect(user).toMatch(/^outdated\.md:12:6 error .*'nickname' does not exist/);
    expect(client).toMatch(/^outdated\.md:4:20 error .*'uri' does not exist/);
    expect(others).toEqual([]);
  });
});
