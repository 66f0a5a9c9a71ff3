import { describe, expect, it } from 'vitest';
import { startAuthService } from '../../server/dev/auth-service/auth-service.ts';
import { createBrowser, errorDataOf } from '../support/app/browser.ts';
import { runBuilt } from '../support/processes/run-process.ts';
import { apiKey, dialects, signingKey } from '../support/app/start-app.ts';
import { johnsCredentials } from '../support/app/people.ts';
import { serviceEnvironment } from '../support/processes/service-environment.ts';

describe.each(dialects)('the built service against the %s dialect', (dialect) => {
  it('does the main job: signs in, looks up, asks for a batch and refreshes', async () => {
    await using authService = await startAuthService({ dialect, signingKey, apiKey });
    await using server = runBuilt({
      args: ['server/dist/main.js'],
      env: serviceEnvironment(authService.url),
    });
    const [, url = ''] = await server.printed(/"address":"([^"]+)"/);
    const { trpc } = createBrowser({ url });
    await trpc.session.login.mutate(johnsCredentials);
    const [user, { userIds }, employee] = await Promise.all([
      trpc.users.byId.query({ id: 123 }),
      trpc.users.byRole.query({ system: 'TTS', role: 'Technician' }),
      trpc.employees.byId.query({ id: 1 }),
    ]);
    expect(user.email).toBe('user@example.com');
    expect(userIds).toEqual(expect.arrayContaining([1, 5, 12, 23]));
    expect(employee.id).toBe(1);
    expect(authService.calls.find(({ endpoint }) => endpoint === 'employee')?.headers['x-api-key']).toBe(apiKey);
    expect((await trpc.session.refresh.mutate()).user.id).toBe(123);
    const missing = await errorDataOf(trpc.users.byId.query({ id: 999_999 }));
    expect(missing).toMatchObject({ reason: 'user_not_found' });
    expect(missing).not.toHaveProperty('stack');
    server.kill('SIGTERM');
    expect(await server.exited).toBe(0);
  });
});
