import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPacking, type Packing } from '../packing.ts';
import { run, runWell } from '../run.ts';
import { filesInDocs, writeFiles } from '../docs-app.ts';

const packages = [
  '@sveltejs/kit@2',
  '@sveltejs/adapter-auto@7',
  '@sveltejs/vite-plugin-svelte@7',
  'svelte@5',
  'svelte-check@4',
  'vite@8',
  'typescript@5.9',
  '@types/node@20',
];
/** As in the template of `npx sv create`. */
const template = {
  'tsconfig.json': JSON.stringify({
    extends: './.svelte-kit/tsconfig.json',
    compilerOptions: { strict: true, skipLibCheck: true, rewriteRelativeImportExtensions: true },
  }),
  'src/app.html':
    '<!doctype html><html lang="en"><head>%sveltekit.head%</head><body><div>%sveltekit.body%</div></body></html>',
};

let packing: Packing;
let folder: string;
beforeAll(async () => {
  packing = createPacking('client');
  folder = await packing.project('svelte-kit', packages);
  writeFiles(folder, new Map([...Object.entries(template), ...filesInDocs('docs/frontends/svelte-kit.md')]));
  await runWell(process.execPath, [join(folder, 'node_modules/@sveltejs/kit/svelte-kit.js'), 'sync'], { cwd: folder });
}, 300_000);
afterAll(() => packing?.[Symbol.dispose]());

const compile = () =>
  run(join(folder, 'node_modules/.bin/svelte-check'), ['--tsconfig', './tsconfig.json', '--fail-on-warnings'], {
    cwd: folder,
  });

it('the files of the docs for SvelteKit compile with its types and the packed client', async () => {
  expect(await compile()).toMatchObject({ code: 0 });
});

it('the files of the docs for SvelteKit do not compile with a wrong name', async () => {
  const path = join(folder, 'src/hooks.server.ts');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace('result.setCookies', 'result.cookies'));
  const { output } = await compile();
  writeFileSync(path, text);
  expect(output).toContain("Property 'cookies' does not exist");
});
