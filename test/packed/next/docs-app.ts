import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeBlocksIn, readPage } from '../../support/docs/markdown.ts';

/** The code blocks of a section of docs/frontends.md whose first line is a comment with a path: texts by path. */
export const filesInDocs = (heading: string): Map<string, string> => {
  const { path, text } = readPage('docs/frontends.md');
  const [, section = ''] = text.split(`\n### ${heading}\n`);
  const [own = ''] = section.split(/\n##/);
  const blocks = codeBlocksIn({ path, text: own }).flatMap(({ code }) => {
    const [, name] = /^\/\/ (\S+\.tsx?)\n/.exec(code) ?? [];
    return name === undefined ? [] : [[name, code] as const];
  });
  if (blocks.length === 0) throw new Error(`docs/frontends.md has no files in the section ${heading}.`);
  return new Map(blocks);
};

export const writeFiles = (folder: string, files: ReadonlyMap<string, string>): void => {
  for (const [name, text] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
};
