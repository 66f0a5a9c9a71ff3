import type { DemoPageState } from '../../../../server/dev/desk/demo-page.ts';
import { registerDemoRoutes } from '../../../../server/dev/desk/demo-routes.ts';
import { registerDevRoutes } from '../../../../server/dev/desk/dev-routes.ts';
import { createApp } from '../../../../server/src/app.ts';
import { loadConfig } from '../../../../server/src/config.ts';
import { apiKey, signingKey, start } from '../auth-service/send-request.ts';

export const ticketsUrl = 'http://localhost:8010';

/**
 * Starts a BFF with the development routes and the demo page. `page`: state of the page, which a test may change while the
 * BFF runs. `env`: additional variables of the BFF.
 */
export const startDesk = async (
  page: { state: DemoPageState } = { state: { state: 'building' } },
  env: Record<string, string> = {},
) => {
  const authService = await start({ accessLifetimeSeconds: 60 });
  const config = loadConfig({
    DJANGO_JWT_SIGNING_KEY: signingKey,
    AUTH_API_KEY: apiKey,
    AUTH_SERVICE_URL: authService.url,
    COOKIE_SECURE: 'false',
    PORT: '0',
    LOG_LEVEL: 'silent',
    // A low limit: tests detect a route that is rate-limited by mistake.
    RATE_LIMIT_PER_MINUTE: '3',
    ...env,
  });
  const app = await createApp({
    config,
    idleGraceMs: 0,
    // A busy machine must not cause overload rejections or timeouts here.
    isOverloaded: () => false,
    createDeadline: () => new AbortController().signal,
  });
  const ticketsUrlFor = () => ticketsUrl;
  await registerDevRoutes(app.server, {
    authService,
    cookieDomain: null,
    hasApiDocs: config.hasApiDocs,
    ticketsUrlFor,
  });
  await registerDemoRoutes(app.server, { page: { current: () => page.state }, ticketsUrlFor });
  const url = await app.listen();
  return {
    url,
    authService,
    async [Symbol.asyncDispose]() {
      await app.close();
      await authService.close();
    },
  };
};
