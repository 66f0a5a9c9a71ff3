import type { Page } from 'playwright-core';

const turn = (page: Page, state: 'hidden' | 'visible') =>
  page.evaluate((value) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, value });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);

/** Playwright reports every page as visible, so `visibilityState` is overridden. */
export const hide = (page: Page) => turn(page, 'hidden');
export const show = (page: Page) => turn(page, 'visible');
