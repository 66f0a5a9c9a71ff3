import { expect, it } from 'vitest';
import { startApp } from '../support/app/start-app.ts';
import { hasChromium, launchChromium } from '../support/page/chromium.ts';

it.skipIf(!hasChromium)(
  '/bff/docs shows and calls every operation, with nothing refused by its policy and no request to another host',
  async () => {
    await using app = await startApp({ env: { API_DOCS: 'true', COOKIE_SECURE: 'false' } });
    await using browser = await launchChromium();
    const page = await browser.newPage();
    const complaints: string[] = [];
    const hosts = new Set<string>();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith('data:')) hosts.add(new URL(request.url()).host);
    });
    const { paths } = (await (await fetch(`${app.url}/bff/openapi.json`)).json()) as { paths: Record<string, object> };
    const operations = Object.values(paths).flatMap((methods) => Object.keys(methods));
    expect(operations.length).toBeGreaterThan(10);
    await page.goto(`${app.url}/bff/docs`);
    await expect.poll(() => page.locator('.opblock').count()).toBe(operations.length);
    await page.locator('#operations-status-statusGet .opblock-summary').click();
    await page.getByRole('button', { name: 'Try it out' }).click();
    await page.getByRole('button', { name: 'Execute' }).click();
    await expect.poll(() => page.locator('.live-responses-table .response').innerText()).toContain('"authService"');
    expect(complaints).toEqual([]);
    expect([...hosts]).toEqual([new URL(app.url).host]);
  },
);
