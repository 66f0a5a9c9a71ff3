import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { launchChromium } from '../support/page/chromium.ts';
import { type LastView, type Look, openVisitor } from './open-visitor.ts';
import { type RunningDesk, startDesk, type StartDeskOptions } from './start-desk.ts';

/** Lines of the desk's log that a failed test prints. */
const loggedLines = 20;

/**
 * Shares a desk and a browser between the tests of a `describe`. Each test starts without faults. A failed test prints what
 * its visitor saw last.
 */
export const useDesk = (options: StartDeskOptions = {}) => {
  let browser: Browser;
  let desk: RunningDesk;
  let lastView: LastView | null = null;
  beforeAll(async () => {
    [browser, desk] = await Promise.all([launchChromium(), startDesk(options)]);
  });
  afterEach(async ({ task }) => {
    await desk.mend();
    if (task.result?.state === 'fail' && lastView !== null) {
      const log = desk.output().trimEnd().split('\n').slice(-loggedLines);
      process.stderr.write(
        `The page:\n${lastView.text}\n\nIts console:\n${lastView.errors.join('\n')}\n\nThe log:\n${log.join('\n')}\n`,
      );
    }
    lastView = null;
  });
  afterAll(async () => {
    await browser.close();
    await desk[Symbol.asyncDispose]();
  });
  return {
    desk: () => desk,
    openVisitor: (look?: Look) =>
      openVisitor({
        browser,
        desk,
        ...(look === undefined ? {} : { look }),
        onLeave: (view) => {
          lastView = view;
        },
      }),
  };
};

export type Site = ReturnType<typeof useDesk>;
