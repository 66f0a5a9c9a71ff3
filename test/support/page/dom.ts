import { JSDOM } from 'jsdom';
import { afterAll, beforeAll } from 'vitest';

// By hand, since Vitest's own jsdom replaces `URL` and `AbortController`, which the servers of these tests need.
const { window } = new JSDOM('', { url: 'http://localhost/', pretendToBeVisual: true });

const globalsOfPage = {
  window,
  document: window.document,
  location: window.location,
  navigator: window.navigator,
  localStorage: window.localStorage,
};
const names = Object.keys(globalsOfPage) as Array<keyof typeof globalsOfPage>;
const originals = new Map(names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]));

const define = (): void => {
  for (const name of names) {
    Object.defineProperty(globalThis, name, { value: globalsOfPage[name], configurable: true, writable: true });
  }
};

/** React's scheduler runs what is left of a render in later turns of the event loop, where it reads `window`. */
const finishRenders = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
};

const restore = async (): Promise<void> => {
  await finishRenders();
  for (const [name, original] of originals) {
    if (original === undefined) Reflect.deleteProperty(globalThis, name);
    else Object.defineProperty(globalThis, name, original);
  }
};

// React and TanStack Query look for a window and a document when they are imported, which is after this module.
define();

/** The window of a page. Imported before React. */
export const dom = window;

/** Gives all tests of this file the globals of a page, and none to the files that the same worker runs after it. */
export const useDom = (): void => {
  beforeAll(define);
  afterAll(restore);
};
