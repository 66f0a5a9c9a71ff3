import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Creates a temporary folder with the sources of a small page. */
export const createPageFolder = async (text = 'Good morning') => {
  const folder = await mkdtemp(join(tmpdir(), 'auth-bff-page-'));
  const write = (name: string, content: string) => writeFile(join(folder, name), content);
  await write(
    'index.html',
    '<!doctype html><html lang="en"><title>Desk</title><script type="module" src="/main.ts"></script></html>',
  );
  const writeText = (title: string) => write('main.ts', `const title: string = '${title}';\ndocument.title = title;\n`);
  await writeText(text);
  return {
    folder,
    write,
    writeText,
    names: () => readdir(folder),
    isBuilt: () => existsSync(join(folder, 'dist/index.html')),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
};
