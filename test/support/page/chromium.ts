import { existsSync } from 'node:fs';
import { deviceCookie } from '@auth-bff/shared';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Whether there is a Chromium. Where there is none the tests in a browser are skipped, or fail with REQUIRE_BROWSER=1. */
export const hasChromium = existsSync(executablePath);
if (!hasChromium) {
  const message = `There is no Chromium at ${executablePath}: install it, or say where it is by CHROMIUM.`;
  if (process.env.REQUIRE_BROWSER === '1') throw new Error(message);
  process.stderr.write(`Skipped the tests in a browser. ${message}\n`);
}

export type ChromiumOptions = {
  /** Whether pages that are left stay in the back/forward cache, which Playwright switches off. Default: false. */
  keepsPages?: boolean;
  /** A host name that leads to this machine. Unlike localhost, it is no secure context without https. Default: none. */
  mappedHost?: string;
};

/**
 * Features that are switched off: those that Playwright switches off, because only the last switch of this name counts, and the
 * suggestions of the address bar, which are pages of their own beside each page and took a fifth of the time.
 */
const disabledFeatures = [
  'AvoidCorsURLLoaderRestartOnRedirect',
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades',
  'LensOverlay',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
  'ThirdPartyStoragePartitioning',
  'AimEnabled',
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxPopup',
];

export const chromiumOptions = ({ keepsPages = false, mappedHost }: ChromiumOptions = {}) => ({
  executablePath,
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--no-first-run',
    '--disable-component-update',
    `--disable-features=${disabledFeatures.join(',')}`,
    ...(mappedHost === undefined ? [] : [`--host-resolver-rules=MAP ${mappedHost} 127.0.0.1`]),
  ],
  ...(keepsPages ? { ignoreDefaultArgs: ['--disable-back-forward-cache'] } : {}),
});

export const launchChromium = (options?: ChromiumOptions): Promise<Browser> =>
  chromium.launch(chromiumOptions(options));

/** The names of the cookies that a sign-out should have removed. The device cookie stays: the browser remains known. */
export const cookiesLeft = async (context: BrowserContext): Promise<string[]> =>
  (await context.cookies()).map(({ name }) => name).filter((name) => name !== deviceCookie);
