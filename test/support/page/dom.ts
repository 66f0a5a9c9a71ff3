import { JSDOM } from 'jsdom';
import { vi } from 'vitest';

// By hand, since Vitest's own jsdom replaces `URL` and `AbortController`, which the servers of these tests need.
const { window } = new JSDOM('', { url: 'http://localhost/', pretendToBeVisual: true });

for (const name of ['document', 'location', 'navigator', 'localStorage'] as const) vi.stubGlobal(name, window[name]);
vi.stubGlobal('window', window);

/** The window of a page. Imported before React, which looks for a document when it is imported. */
export const dom = window;
