import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPage } from '../../support/docs/markdown.ts';
import { hasChromium } from '../../support/page/chromium.ts';
import { createPacking, type Packing } from '../packing.ts';
import { run } from '../run.ts';

/** The files of the recipes: blocks whose info string names a file. */
const recipeFiles = (): Map<string, string> =>
  new Map(
    [...readPage('docs/frontends/testing.md').text.matchAll(/^```(?:jsx?|json) ([\w.-]+)\n(.*?)^```$/gms)].map(
      ([, name = '', code = '']) => [name, code],
    ),
  );

/** The reader's own files. */
const ownFiles = ['greeting.jsx', 'stories.test.jsx', 'page.js', 'playwright.test.js'];

const packages = [
  'react@19',
  'react-dom@19',
  '@tanstack/react-query@5',
  '@trpc/tanstack-react-query@11.22.1',
  'vitest@4',
  'jsdom@29',
  '@testing-library/react@16',
  '@testing-library/dom@10',
  'msw@2',
  'storybook@10',
  '@storybook/react@10',
  'playwright-core@1',
  'jest@30',
  'jest-environment-jsdom@30',
  'jest-fixed-jsdom@0',
  '@babel/core@7',
  '@babel/preset-react@7',
];

/** The part of Vitest's JSON report that is read. */
type Results = { testResults: { name: string; status: string; assertionResults: { status: string }[] }[] };

/** Runs the component test of the page with Jest, in a subfolder with the configuration of the page. Returns its output. */
const runJest = async (folder: string): Promise<string> => {
  const jest = join(folder, 'jest');
  mkdirSync(jest);
  const files = recipeFiles();
  const test = files.get('greeting.test.jsx')?.replace("from 'vitest'", "from '@jest/globals'") ?? '';
  writeFileSync(join(jest, 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(join(jest, 'greeting.test.jsx'), test);
  writeFileSync(join(jest, 'greeting.jsx'), readFileSync(new URL('own/greeting.jsx.txt', import.meta.url)));
  for (const name of ['jest.config.json', 'babel.config.json']) writeFileSync(join(jest, name), files.get(name) ?? '');
  const program = join(folder, 'node_modules/jest/bin/jest.js');
  const { code, output } = await run(process.execPath, ['--experimental-vm-modules', program], { cwd: jest });
  return `${output}\nended with ${code}`;
};

describe('the recipes of docs/frontends/testing.md, with the packed client', () => {
  let packing: Packing;
  let folder: string;
  let output: string;
  const outcomes = new Map<string, { status: string; passed: number }>();

  beforeAll(async () => {
    packing = createPacking('client');
    folder = await packing.project('recipes', packages);
    for (const [name, code] of recipeFiles()) writeFileSync(join(folder, name), code);
    for (const name of ownFiles) {
      writeFileSync(join(folder, name), readFileSync(new URL(`own/${name}.txt`, import.meta.url), 'utf8'));
    }
    await build({
      entryPoints: [join(folder, 'page.js')],
      outfile: join(folder, 'page.bundle.js'),
      bundle: true,
      platform: 'browser',
      logLevel: 'error',
    });
    const vitest = join(folder, 'node_modules/vitest/vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', '--outputFile.json=results.json'];
    ({ output } = await run(process.execPath, [vitest, 'run', '--root', folder, '--exclude', 'jest/**', ...reporters], {
      cwd: folder,
    }));
    const results = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as Results;
    for (const { name, status, assertionResults } of results.testResults) {
      const passed = assertionResults.filter((one) => one.status === 'passed').length;
      outcomes.set(basename(name), { status, passed });
    }
  }, 600_000);
  afterAll(() => packing?.[Symbol.dispose]());

  it('are all files that this test knows', () => {
    expect([...recipeFiles().keys()]).toEqual([
      'greeting.test.jsx',
      'jest.config.json',
      'babel.config.json',
      'msw.test.js',
      'greeting.stories.jsx',
      'route-bff.js',
    ]);
  });

  it('test a component in jsdom', () => {
    expect({ ...outcomes.get('greeting.test.jsx'), output }).toMatchObject({ status: 'passed', passed: 3 });
  });
  it('test a component with Jest', async () => {
    const jestOutput = await runJest(folder);
    expect(jestOutput).toContain('3 passed');
    expect(jestOutput).toContain('ended with 0');
  }, 120_000);
  it('answer requests that MSW intercepts', () => {
    expect({ ...outcomes.get('msw.test.js'), output }).toMatchObject({ status: 'passed', passed: 2 });
  });
  it('render stories, each with its own BFF', () => {
    expect({ ...outcomes.get('stories.test.jsx'), output }).toMatchObject({ status: 'passed', passed: 1 });
  });
  it.skipIf(!hasChromium)('answer a page in Chromium by Playwright', () => {
    expect({ ...outcomes.get('playwright.test.js'), output }).toMatchObject({ status: 'passed', passed: 1 });
  });
});
