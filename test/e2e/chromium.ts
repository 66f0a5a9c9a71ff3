import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Whether there is a browser to test with. Where REQUIRE_BROWSER=1 there has to be. */
export const hasChromium = existsSync(executablePath);
if (!hasChromium) {
  const message = `There is no Chromium at ${executablePath}: install it, or say where it is by CHROMIUM.`;
  if (process.env.REQUIRE_BROWSER === '1') throw new Error(message);
  process.stderr.write(`Skipped the tests of the demo page. ${message}\n`);
}

export const launchChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--no-first-run',
      '--disable-component-update',
    ],
  });
