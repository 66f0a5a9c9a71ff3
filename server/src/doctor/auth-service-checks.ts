import type { Transport } from '../auth-service/transport.ts';
import type { Config } from '../config.ts';
import { checkAccount } from './checks/account.ts';
import { checkApiKey } from './checks/api-key.ts';
import { checkCaptcha } from './checks/captcha.ts';
import { checkDialect } from './checks/dialect.ts';
import { checkPaths } from './checks/paths.ts';
import { checkReachable } from './checks/reachable.ts';
import { checkRefresh } from './checks/refresh.ts';
import { assessEndpoints } from './endpoint-states.ts';
import { type Finding, guardCheck, unchecked } from './finding.ts';
import type { Faults } from './partial-config.ts';
import type { EndpointProbe, TokenProbe } from './probe-endpoints.ts';

/** The Auth Service, after its endpoints were probed. */
export type ProbedService = { probe: EndpointProbe; transport: Pick<Transport, 'request'> };

export const isAvailable = (service: ProbedService | null): service is ProbedService =>
  service !== null && service.probe.endpoints.length > 0;

export type AuthServiceChecksOptions = {
  /** Null if AUTH_SERVICE_URL is invalid. */
  service: ProbedService | null;
  tokenProbe: TokenProbe | null;
  config: Config;
  faults: Faults;
};

/** Checks of the Auth Service itself. */
export const runAuthServiceChecks = async (options: AuthServiceChecksOptions): Promise<Finding[]> => {
  const { service, tokenProbe, config, faults } = options;
  const url = config.authServiceUrl;
  const check = async (name: string, run: (available: ProbedService) => Finding | Finding[] | Promise<Finding>) => {
    if (isAvailable(service)) return guardCheck(name, () => run(service));
    return unchecked(name, service === null ? 'AUTH_SERVICE_URL is invalid' : 'the Auth Service is unavailable');
  };
  const findings = await Promise.all([
    ...(service === null ? [] : [guardCheck('AUTH_SERVICE_URL', () => checkReachable(url, service.probe))]),
    check('paths', ({ probe }) => checkPaths(url, probe, tokenProbe)),
    check('dialect', ({ probe }) => checkDialect(probe)),
    check('refresh', ({ probe }) => checkRefresh(assessEndpoints(probe, tokenProbe))),
    check('account', ({ probe }) => checkAccount(assessEndpoints({ ...probe, endpoints: probe.account }, tokenProbe))),
    check('captcha', ({ probe }) => checkCaptcha(probe)),
    ...(faults.has('AUTH_API_KEY')
      ? []
      : [check('AUTH_API_KEY', ({ probe, transport }) => checkApiKey(transport, probe))]),
  ]);
  return findings.flat();
};
