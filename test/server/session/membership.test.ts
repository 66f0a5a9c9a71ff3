import { expect, it } from 'vitest';
import { startApp } from '../../support/app/start-app.ts';

it('a batch loads the systems and roles that the token lacks once for all its calls', async () => {
  await using app = await startApp({ authService: { claims: 'least' } });
  const browser = app.browser();
  browser.holdTokens(await app.authService.issue({ type: 'staff', id: 123 }));
  const roles = ['Technician', 'Manager', 'Admin'];
  await Promise.all(roles.map((role) => browser.trpc.users.byRole.query({ system: 'TTS', role })));
  expect(app.authService.count('round-robin')).toBe(3);
  expect(app.authService.count('user')).toBe(1);
});
