import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
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

describe('the demo page', () => {
  it('is built from its sources, and says so meanwhile', async () => {
    await using page = await createPageFolder('Good morning');
    const demo = createDemoPage({ folder: page.folder, alsoFrom: [], env });
    const preparing = demo.prepare();
    expect(demo.current()).toEqual({ state: 'building' });
    const prepared = await preparing;
    expect(demo.current()).toBe(prepared);
    expect(scriptOf(prepared)).toContain('Good morning');
    expect(page.isBuilt()).toBe(true);
    expect((await page.names()).toSorted()).toEqual(['dist', 'index.html', 'main.ts']);
  });

  it('is read with types, compressed, and with what never changes told apart', async () => {
    await using page = await createPageFolder();
    const files = filesOf(await prepare(page.folder));
    expect([...files.keys()].toSorted()).toEqual([expect.stringMatching(/^assets\/index-[\w-]{8}\.js$/), 'index.html']);
    expect(files.get('index.html')).toMatchObject({ type: 'text/html; charset=utf-8', isHashed: false });
    const [script] = [...files].filter(([name]) => name.endsWith('.js')).map(([, file]) => file);
    expect(script).toMatchObject({ type: 'text/javascript; charset=utf-8', isHashed: true });
    expect(gunzipSync(script?.gzipped ?? '')).toEqual(script?.bytes);
  });

  it('is built anew where a source has changed or is new, and not where only its time has', async () => {
    await using page = await createPageFolder('Good morning');
    await using shared = await createPageFolder('Shared');
    const build = () => prepare(page.folder, [shared.folder]);
    await build();
    // Another text, where nothing but a build can have come from.
    const mark = () => page.write('dist/index.html', 'of the last build');
    const isOfLastBuild = async () =>
      filesOf(await build())
        .get('index.html')
        ?.bytes.toString() === 'of the last build';

    await mark();
    await utimes(join(page.folder, 'main.ts'), new Date(), new Date());
    expect(await isOfLastBuild()).toBe(true);
    await page.say('Good evening');
    expect(await isOfLastBuild()).toBe(false);
    await mark();
    await shared.say('Shared, and changed');
    expect(await isOfLastBuild()).toBe(false);
    await mark();
    await page.write('new.ts', '');
    expect(await isOfLastBuild()).toBe(false);
    expect(scriptOf(await build())).toContain('Good evening');
  });

  it('that cannot be built says why, leaves nothing behind, and is built once it can be', async () => {
    await using page = await createPageFolder();
    await page.write('main.ts', "import './missing.ts';");
    expect(await prepare(page.folder)).toEqual({ state: 'failed', message: expect.stringContaining('missing.ts') });
    expect((await page.names()).toSorted()).toEqual(['index.html', 'main.ts']);
    await page.say('Mended');
    expect(scriptOf(await prepare(page.folder))).toContain('Mended');
  });

  it('is whole for two who build it at the same time', async () => {
    await using page = await createPageFolder('Good morning');
    const both = await Promise.all([prepare(page.folder), prepare(page.folder)]);
    for (const one of both) expect(scriptOf(one)).toContain('Good morning');
    expect((await page.names()).toSorted()).toEqual(['dist', 'index.html', 'main.ts']);
    expect(scriptOf(await prepare(page.folder))).toContain('Good morning');
  });

  it('ends a build that is under way', async () => {
    await using page = await createPageFolder();
    const demo = createDemoPage({ folder: page.folder, alsoFrom: [], env });
    const preparing = demo.prepare();
    await vi.waitFor(async () => expect((await page.names()).join()).toContain('.dist-'));
    await demo.close();
    expect(await preparing).toMatchObject({ state: 'failed' });
    expect((await page.names()).toSorted()).toEqual(['index.html', 'main.ts']);
  });
});
