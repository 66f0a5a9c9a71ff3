import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeBlocksIn, readPage } from '../support/docs/markdown.ts';

/** The files of the application on a page, such as docs/frontends/next.md: texts by path. */
export const filesInDocs = (page: string): Map<string, string> => {
  const files = codeBlocksIn(readPage(page)).flatMap(({ file, code }) => {
    if (file === null) return [];
    // A comment before the doctype would be valid, but no page begins so.
    return [[file, file.endsWith('.html') ? code.replace(/^.*\n/, '') : code] as const];
  });
  if (files.length === 0) throw new Error(`${page} has no code block whose first line names a file.`);
  return new Map(files);
};

export const writeFiles = (folder: string, files: ReadonlyMap<string, string>): void => {
  for (const [name, text] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
};
