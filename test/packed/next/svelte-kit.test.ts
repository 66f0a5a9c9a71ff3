import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPacking } from '../packing.ts';
import { run } from '../run.ts';
import { filesInDocs, writeFiles } from '../docs-app.ts';

const tsconfig = {
  compilerOptions: {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: 'es2023',
    lib: ['es2023', 'dom', 'dom.iterable'],
    module: 'esnext',
    moduleResolution: 'bundler',
    types: ['node'],
  },
  include: ['src'],
};

let packing: Awaited<ReturnType<typeof createPacking>>;
let folder: string;
beforeAll(async () => {
  packing = await createPacking('client');
  folder = await packing.project('svelte-kit', ['@sveltejs/kit@2', 'typescript@5.9', '@types/node@20']);
  writeFiles(folder, filesInDocs('docs/frontends/svelte-kit.md'));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
}, 300_000);
afterAll(() => packing?.[Symbol.dispose]());

const compile = () =>
  run(process.execPath, [join(folder, 'node_modules/typescript/bin/tsc'), '-p', folder], { cwd: folder });

it('the files of the docs for SvelteKit compile with its types and the packed client', async () => {
  expect(await compile()).toEqual({ code: 0, output: '' });
});

it('the files of the docs for SvelteKit do not compile with a wrong name', async () => {
  const path = join(folder, 'src/hooks.server.ts');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace('result.setCookies', 'result.cookies'));
  const { output } = await compile();
  writeFileSync(path, text);
  expect(output).toContain("Property 'cookies' does not exist");
});
