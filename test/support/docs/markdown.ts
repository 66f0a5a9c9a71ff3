import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** A Markdown file of the repository; `path` is relative to its root. */
export type Page = { path: string; text: string };

/**
 * A fenced code block. `line`: number of the first line of its code, from 1. `file`: the path that a comment in its first
 * line names (`// src/auth.ts`), or null. Such a block is a file of an application.
 */
export type CodeBlock = { path: string; line: number; language: string; file: string | null; code: string };

const rootPages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'];
const packagePages = ['client/README.md', 'server/README.md', 'server/middleware/README.md'];

const listDocs = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .toSorted();

export const readPage = (path: string): Page => ({ path, text: readFileSync(join(root, path), 'utf8') });

/** Every page that people read: of the root, of the packages, and of `docs/`. */
export const readPages = (): Page[] =>
  [...rootPages, ...packagePages, ...listDocs('docs')].filter((path) => existsSync(join(root, path))).map(readPage);

export const codeBlocksIn = ({ path, text }: Page): CodeBlock[] =>
  [...text.matchAll(/^```(\w+)[^\n]*\n(.*?)^```$/gms)].map(({ 1: language = '', 2: code = '', index }) => ({
    path,
    line: text.slice(0, index).split('\n').length + 1,
    language,
    file: /^(?:\/\/|<!--) ([\w./+-]+\.\w+)(?: -->)?\n/.exec(code)?.[1] ?? null,
    code,
  }));

/** The text without fenced code, whose lines stay as empty lines. */
export const withoutCode = (text: string): string =>
  text.replaceAll(/^```.*?^```$/gms, (block) => block.replaceAll(/[^\n]/g, ''));

/** The texts of the code spans in a cell or a sentence. */
export const codeSpansIn = (text = ''): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

const cellsOf = (row: string): string[] =>
  row
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());

/** The rows of each table whose first header cell has this text, as the texts of their cells. */
export const rowsOf = ({ path, text }: Page, firstHeader: string): string[][] => {
  const lines = text.split('\n');
  const rows = lines.flatMap((line, at) => {
    const isHeader = line.startsWith('|') && lines[at + 1]?.startsWith('|---') === true;
    if (!isHeader || cellsOf(line)[0] !== firstHeader) return [];
    const body = lines.slice(at + 2);
    const end = body.findIndex((one) => !one.startsWith('|'));
    return body.slice(0, end === -1 ? undefined : end).map(cellsOf);
  });
  if (rows.length === 0) throw new Error(`${path} has no table whose first column is "${firstHeader}".`);
  return rows;
};

/** The anchors of a page, as GitHub makes them of headings. */
export const anchorsOf = ({ text }: Page): Set<string> => {
  const seen = new Map<string, number>();
  const anchors = [...withoutCode(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
    const slug = heading
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
  return new Set(anchors);
};
