import { expect, it, vi } from 'vitest';
import { startApp } from '../../support/start-app.ts';

it('answers the calls under way, and then closes without waiting for idle browsers', async () => {
  await using app = await startApp();
  const browser = app.browser();
  browser.holdTokens(await app.authService.issue({ type: 'staff', id: 123 }));
  let release = () => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  app.authService.fault('user', { kind: 'hold', until });
  const call = browser.trpc.users.byId.query({ id: 123 });
  await vi.waitFor(() => expect(app.authService.count('user')).toBe(1));
  const closed = app.app.server.close();
  release();
  expect((await call).id).toBe(123);
  expect(browser.lastAnswer().headers.get('connection')).toBe('close');
  await closed;
});
