import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { launchChromium } from '../support/page/chromium.ts';
import { type Look, openVisitor } from './open-visitor.ts';
import { type RunningDesk, startDesk, type StartDeskOptions } from './start-desk.ts';

/** Shares a desk and a browser between the tests of a `describe`. Each test starts without faults. */
export const useDesk = (options: StartDeskOptions = {}) => {
  let browser: Browser;
  let desk: RunningDesk;
  beforeAll(async () => {
    [browser, desk] = await Promise.all([launchChromium(), startDesk(options)]);
  });
  afterEach(() => desk.mend());
  afterAll(async () => {
    await browser.close();
    await desk[Symbol.asyncDispose]();
  });
  return {
    desk: () => desk,
    openVisitor: (look?: Look) => openVisitor({ browser, desk, ...(look === undefined ? {} : { look }) }),
  };
};

export type Site = ReturnType<typeof useDesk>;
