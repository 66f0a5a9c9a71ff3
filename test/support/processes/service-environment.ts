import { apiKey, signingKey } from '../app/start-app.ts';

/** The environment of a service as a process, in front of an Auth Service, on a free port and without an operator's listener. */
export const serviceEnvironment = (authServiceUrl: string, more: Record<string, string> = {}) => ({
  AUTH_SERVICE_URL: authServiceUrl,
  DJANGO_JWT_SIGNING_KEY: signingKey,
  AUTH_API_KEY: apiKey,
  PORT: '0',
  OPS_PORT: '0',
  ...more,
});
