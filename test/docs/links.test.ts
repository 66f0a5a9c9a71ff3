import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, it } from 'vitest';
import { anchorsOf, codeSpansIn, type Page, readPage, readPages, root, withoutCode } from '../support/docs/markdown.ts';

const pages = readPages();

const linksIn = ({ text }: Page): string[] =>
  [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)|<img[^>]* src="([^"]+)"/g)].flatMap(
    ([, link, image]) => link ?? image ?? [],
  );

/** Null: the target exists. */
const faultOf = (page: Page, link: string): string | null => {
  if (/^https?:/.test(link)) return null;
  const [file = '', anchor] = link.split('#');
  const path = file === '' ? page.path : posix.join(posix.dirname(page.path), file);
  if (!existsSync(join(root, path))) return `${page.path}: ${link} leads to no file`;
  if (anchor === undefined) return null;
  return anchorsOf(readPage(path)).has(anchor) ? null : `${page.path}: ${link} leads to no heading`;
};

it('every link between the pages leads to a file and a heading that exist', () => {
  expect(pages.flatMap((page) => linksIn(page).flatMap((link) => faultOf(page, link) ?? []))).toEqual([]);
});

/** A code span that names a file or a folder of the repository. */
const isPath = (span: string): boolean =>
  /^(server|client|shared|test|docs|deploy)\/[\w./-]+$/.test(span) && !span.includes('dist/');

it('every file and folder that the pages name in code exists', () => {
  const missing = pages
    .filter(({ path }) => path !== 'CHANGELOG.md')
    .flatMap(({ path, text }) =>
      codeSpansIn(withoutCode(text))
        .filter((span) => isPath(span) && !existsSync(join(root, span)))
        .map((span) => `${path}: ${span}`),
    );
  expect(missing).toEqual([]);
});

it('every page of docs/ can be reached from README.md', () => {
  const reached = new Set<string>();
  const follow = (path: string): void => {
    if (reached.has(path) || !path.endsWith('.md') || !existsSync(join(root, path))) return;
    reached.add(path);
    for (const link of linksIn(readPage(path))) {
      if (!/^https?:/.test(link)) follow(posix.join(posix.dirname(path), link.split('#')[0] ?? ''));
    }
  };
  follow('README.md');
  expect(pages.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
});

it('README.md has fewer than 200 lines', () => {
  expect(readPage('README.md').text.split('\n').length).toBeLessThan(200);
});
