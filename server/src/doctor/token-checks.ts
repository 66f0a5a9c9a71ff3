import type { Config } from '../config.ts';
import { isAvailable, type ProbedService } from './auth-service-checks.ts';
import { checkCookieSize } from './checks/cookies.ts';
import { dialectOf } from './checks/dialect.ts';
import { checkAlgorithm, checkSigningKey } from './checks/signing-key.ts';
import { checkThreshold } from './checks/threshold.ts';
import { checkToken } from './checks/token.ts';
import { unknownEndpoints } from './endpoint-states.ts';
import { type Finding, ok, problem, unchecked } from './finding.ts';
import { type InspectedToken, inspectToken, issuedAtMsOf } from './inspect-token.ts';
import type { Faults } from './partial-config.ts';
import { probeWithToken, type TokenProbe } from './probe-endpoints.ts';
import { checkAcceptance, type TokenAcceptance } from './token-acceptance.ts';
import type { TokenInput } from './token-input.ts';

export type TokenChecksOptions = {
  tokenInput: TokenInput;
  config: Config;
  faults: Faults;
  /** Null if AUTH_SERVICE_URL is invalid. */
  service: ProbedService | null;
  /** Milliseconds since the epoch. */
  now: () => number;
};

export type TokenChecks = {
  findings: Finding[];
  issuedAtMs: number | null;
  /** Null if the token was not needed or is not accepted. */
  probe: TokenProbe | null;
};

const remoteKey = ok('DJANGO_JWT_SIGNING_KEY', 'is not needed, because TOKEN_VALIDATION is remote');

const withoutToken = (tokenInput: Exclude<TokenInput, { state: 'given' }>, isRemote: boolean): Finding[] => {
  const isMissing = tokenInput.state === 'none';
  const reason = isMissing ? 'no token was given' : 'no token could be read';
  const fix = isMissing ? 'Pipe in an access token (--token -)' : null;
  return [
    isMissing ? unchecked('token', reason, fix) : problem('token', tokenInput.message, tokenInput.fix),
    isRemote ? remoteKey : unchecked('DJANGO_JWT_SIGNING_KEY', reason, fix),
    unchecked('JWT_ALGORITHM', reason, fix),
    unchecked('TOKEN_REFRESH_THRESHOLD', reason, fix),
  ];
};

const acceptanceOf = async (
  token: string,
  { verified }: InspectedToken,
  { service, now }: TokenChecksOptions,
): Promise<TokenAcceptance> => {
  if (service === null) return { state: 'unknown', reason: 'AUTH_SERVICE_URL is invalid' };
  if (!isAvailable(service)) return { state: 'unknown', reason: 'the Auth Service is unavailable' };
  if (verified === null) return { state: 'unknown', reason: 'the token is invalid' };
  return checkAcceptance({ transport: service.transport, token, verified, now });
};

/** Probes with the token the endpoints whose existence is unknown without one. */
const probeUnknown = async (
  token: string,
  { verified }: InspectedToken,
  service: ProbedService | null,
): Promise<TokenProbe | null> => {
  if (service === null || verified === null) return null;
  const endpoints = unknownEndpoints(service.probe);
  if (endpoints.length === 0) return null;
  return probeWithToken({ transport: service.transport, token, type: verified.principal.type, endpoints });
};

/** Checks that need an access token. */
export const runTokenChecks = async (options: TokenChecksOptions): Promise<TokenChecks> => {
  const { tokenInput, config, faults, service, now } = options;
  const isRemote = config.tokenValidation === 'remote';
  const withoutFaulty = (findings: Finding[]) => findings.filter(({ name }) => !faults.has(name));
  if (tokenInput.state !== 'given') {
    return { issuedAtMs: null, probe: null, findings: withoutFaulty(withoutToken(tokenInput, isRemote)) };
  }
  const { token } = tokenInput;
  const signingKeys = isRemote || faults.has('DJANGO_JWT_SIGNING_KEY') ? null : config.signingKeys;
  const inspected = inspectToken({ token, config, signingKeys, nowMs: now() });
  const acceptance = await acceptanceOf(token, inspected, options);
  const thresholdSeconds = config.refreshThresholdSeconds;
  const isDeployed = service !== null && dialectOf(service.probe) === 'deployed';
  return {
    issuedAtMs: issuedAtMsOf(inspected),
    probe: acceptance.state === 'accepted' ? await probeUnknown(token, inspected, service) : null,
    findings: withoutFaulty([
      checkToken(inspected, acceptance, now()),
      ...[checkCookieSize(token, inspected)].filter((finding) => finding !== null),
      isRemote ? remoteKey : checkSigningKey(inspected, acceptance),
      checkAlgorithm(inspected, config),
      checkThreshold({ token: inspected, thresholdSeconds, isDeployed }),
    ]),
  };
};
