import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The sources of a page of a few lines, in a folder of their own. */
export const createPageFolder = async (says = 'Good morning') => {
  const folder = await mkdtemp(join(tmpdir(), 'auth-bff-page-'));
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  await write(
    'index.html',
    '<!doctype html><html lang="en"><title>Desk</title><script type="module" src="/main.ts"></script></html>',
  );
  const say = (words: string) => write('main.ts', `const words: string = '${words}';\ndocument.title = words;\n`);
  await say(says);
  return {
    folder,
    write,
    say,
    names: () => readdir(folder),
    isBuilt: () => existsSync(join(folder, 'dist/index.html')),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
};
