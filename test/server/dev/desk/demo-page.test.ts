import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createDemoPage, type DemoPageState } from '../../../../server/dev/desk/demo-page.ts';
import { createPageFolder } from './page-folder.ts';

const env = { PATH: process.env.PATH };

const filesOf = (state: DemoPageState) => {
  if (state.state !== 'ready') throw new Error(`Expected a page, got ${JSON.stringify(state)}`);
  return state.files;
};
const scriptOf = (state: DemoPageState): string =>
  [...filesOf(state)].flatMap(([name, { bytes }]) => (name.endsWith('.js') ? bytes.toString() : [])).join('\n');

const prepare = (folder: string, alsoFrom: string[] = []) => createDemoPage({ folder, alsoFrom, env }).prepare();

type PageFolder = Awaited<ReturnType<typeof createPageFolder>>;

/** The first test builds a page, which costs half a second, and the next two take the same build. */
describe('the demo page', () => {
  let page: PageFolder;
  let shared: PageFolder;
  const build = () => prepare(page.folder, [shared.folder]);
  beforeAll(async () => {
    [page, shared] = [await createPageFolder('Good morning'), await createPageFolder('Shared')];
  });
  afterAll(() => Promise.all([page, shared].map((folder) => folder[Symbol.asyncDispose]())));

  it('the page is built from its sources and reports the state building meanwhile', async () => {
    const demo = createDemoPage({ folder: page.folder, alsoFrom: [shared.folder], env });
    const preparing = demo.prepare();
    expect(demo.current()).toEqual({ state: 'building' });
    const prepared = await preparing;
    expect(demo.current()).toBe(prepared);
    expect(scriptOf(prepared)).toContain('Good morning');
    expect(page.isBuilt()).toBe(true);
    expect((await page.names()).toSorted()).toEqual(['dist', 'index.html', 'main.ts']);
  });

  it('built files have content types, gzip and a mark for hashed names', async () => {
    const files = filesOf(await build());
    expect([...files.keys()].toSorted()).toEqual([expect.stringMatching(/^assets\/index-[\w-]{8}\.js$/), 'index.html']);
    expect(files.get('index.html')).toMatchObject({ type: 'text/html; charset=utf-8', isHashed: false });
    const [script] = [...files].filter(([name]) => name.endsWith('.js')).map(([, file]) => file);
    expect(script).toMatchObject({ type: 'text/javascript; charset=utf-8', isHashed: true });
    expect(gunzipSync(script?.gzipped ?? '')).toEqual(script?.bytes);
  });

  it('the page is rebuilt after a changed or new source, and not after a changed modification time', async () => {
    await build();
    // Marks the build output, so that a rebuild becomes visible.
    const mark = () => page.write('dist/index.html', 'marked');
    const isOfLastBuild = async () =>
      filesOf(await build())
        .get('index.html')
        ?.bytes.toString() === 'marked';

    await mark();
    await utimes(join(page.folder, 'main.ts'), new Date(), new Date());
    expect(await isOfLastBuild()).toBe(true);
    await page.writeText('Good evening');
    expect(await isOfLastBuild()).toBe(false);
    await mark();
    await shared.writeText('Shared, and changed');
    expect(await isOfLastBuild()).toBe(false);
    await mark();
    await page.write('new.ts', '');
    expect(await isOfLastBuild()).toBe(false);
    expect(scriptOf(await build())).toContain('Good evening');
  });
});

describe('the build of the demo page', () => {
  it('a failed build reports its error, leaves no files behind, and succeeds after a fix', async () => {
    await using page = await createPageFolder();
    await page.write('main.ts', "import './missing.ts';");
    expect(await prepare(page.folder)).toEqual({ state: 'failed', message: expect.stringContaining('missing.ts') });
    expect((await page.names()).toSorted()).toEqual(['index.html', 'main.ts']);
    await page.writeText('Fixed');
    expect(scriptOf(await prepare(page.folder))).toContain('Fixed');
  });

  it('two concurrent builds both return a complete page', async () => {
    await using page = await createPageFolder('Good morning');
    const both = await Promise.all([prepare(page.folder), prepare(page.folder)]);
    for (const one of both) expect(scriptOf(one)).toContain('Good morning');
    expect((await page.names()).toSorted()).toEqual(['dist', 'index.html', 'main.ts']);
    expect(scriptOf(await prepare(page.folder))).toContain('Good morning');
  });

  it('close aborts a running build', async () => {
    await using page = await createPageFolder();
    const demo = createDemoPage({ folder: page.folder, alsoFrom: [], env });
    const preparing = demo.prepare();
    await vi.waitFor(async () => expect((await page.names()).join()).toContain('.dist-'));
    await demo.close();
    expect(await preparing).toMatchObject({ state: 'failed' });
    expect((await page.names()).toSorted()).toEqual(['index.html', 'main.ts']);
  });
});
