import { type CreateDeadline, createTransport } from '../auth-service/transport.ts';
import { listConfigWarnings } from '../config.ts';
import { isAvailable, runAuthServiceChecks } from './auth-service-checks.ts';
import { checkClock } from './checks/clock.ts';
import { checkCookieDomain } from './checks/cookies.ts';
import { checkCors } from './checks/cors.ts';
import { checkResetLinks } from './checks/reset-links.ts';
import { checkVariables, listWeakSettings } from './checks/variables.ts';
import { type Finding, guardCheck } from './finding.ts';
import { loadPartialConfig } from './partial-config.ts';
import { probeEndpoints } from './probe-endpoints.ts';
import { runRedisChecks } from './redis-checks.ts';
import { runTokenChecks } from './token-checks.ts';
import type { TokenInput } from './token-input.ts';

export type RunDoctorOptions = {
  env: Record<string, string | undefined>;
  tokenInput: TokenInput;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Milliseconds per request. Default 5,000. */
  deadlineMs?: number;
  /** Creates a signal that aborts with a `TimeoutError` after the given milliseconds. Default `AbortSignal.timeout`. */
  createDeadline?: CreateDeadline;
};

/** Variables with a check of their own. */
const checked = new Set([
  'AUTH_SERVICE_URL',
  'AUTH_API_KEY',
  'DJANGO_JWT_SIGNING_KEY',
  'JWT_ALGORITHM',
  'TOKEN_REFRESH_THRESHOLD',
  'CORS_ORIGINS',
  'REDIS_URL',
]);

/**
 * Checks every variable and every item of the guide's "Configuration Checklist" against the running services. Needs no
 * running BFF, changes nothing, and reports every fault as a finding. Findings contain no secrets.
 */
export const runDoctor = async (options: RunDoctorOptions): Promise<Finding[]> => {
  const { env, tokenInput, now, deadlineMs = 5_000, createDeadline } = options;
  const { config, faults } = loadPartialConfig(env);
  const authServiceUrl = faults.has('AUTH_SERVICE_URL') ? null : config.authServiceUrl;
  const transport = createTransport({ url: config.authServiceUrl, apiKey: config.apiKey, deadlineMs, createDeadline });
  try {
    const redisFindings = runRedisChecks({ config, faults, deadlineMs });
    const service = authServiceUrl === null ? null : { transport, probe: await probeEndpoints({ transport, now }) };
    const token = await runTokenChecks({ tokenInput, config, faults, service, now });
    const probe = isAvailable(service) ? service.probe : null;
    const clock = await guardCheck('clock', () => checkClock(probe, token.issuedAtMs, now()));
    const cors = faults.has('CORS_ORIGINS')
      ? []
      : await guardCheck('CORS_ORIGINS', () => checkCors({ ...config, authServiceUrl }));
    const addresses = ['AUTH_SERVICE_URL', 'AUTH_SERVICE_PUBLIC_URL', 'PUBLIC_URL', 'PASSWORD_RESET_URL'];
    const resetLinks = addresses.some((variable) => faults.has(variable)) ? [] : [checkResetLinks(config)];
    const warnings = [
      ...listConfigWarnings(config, env),
      ...listWeakSettings(config),
      ...(await checkCookieDomain(config)),
    ];
    return [
      ...(await runAuthServiceChecks({ service, tokenProbe: token.probe, config, faults })),
      ...token.findings,
      clock,
      ...[cors].flat(),
      ...resetLinks,
      ...(await redisFindings),
      ...checkVariables({ env, faults, checked, warnings }),
    ];
  } finally {
    await transport.close();
  }
};
