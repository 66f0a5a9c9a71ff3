import { type CreateDeadline, createTransport } from '../auth-service/transport.ts';
import { type Config, listConfigWarnings } from '../config.ts';
import type { KeyVariable } from '../platform/replica-keys/compare-keys.ts';
import { fingerprintKeys } from '../platform/replica-keys/key-fingerprints.ts';
import { type Acceptance, askAcceptance } from './token-acceptance.ts';
import { checkApiKey } from './checks/api-key.ts';
import { checkCaptcha } from './checks/captcha.ts';
import { checkClock } from './checks/clock.ts';
import { checkCookieDomain } from './checks/cookies.ts';
import { checkCookieSize } from './checks/cookie-size.ts';
import { checkCors } from './checks/cors.ts';
import { checkDialect, dialectOf } from './checks/dialect.ts';
import { readEnvironment, type Faults } from './partial-config.ts';
import { type Finding, ok, problem, unchecked } from './finding.ts';
import { listLooseSettings } from './checks/loose-settings.ts';
import { checkPaths, judgePaths, untoldPaths } from './checks/paths.ts';
import { checkReachable } from './checks/reachable.ts';
import { checkRedis } from './checks/redis.ts';
import { checkRefresh } from './checks/refresh.ts';
import { checkReplicaKeys } from './checks/replica-keys.ts';
import { issuedAtOf, seeToken, type SeenToken } from './inspect-token.ts';
import { checkAlgorithm, checkSigningKey } from './checks/signing-key.ts';
import { type Survey, survey, surveyWithToken, type TokenSurvey } from './probe-endpoints.ts';
import { checkThreshold } from './checks/threshold.ts';
import { checkToken } from './checks/token.ts';
import type { TokenInput } from './token-input.ts';
import { checkVariables } from './checks/variables.ts';

export type ExamineOptions = {
  env: Record<string, string | undefined>;
  tokenInput: TokenInput;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Milliseconds that each question may take. Default 5,000. */
  deadlineMs?: number;
  /** A signal for each question that aborts with a `TimeoutError` after so many milliseconds. Default `AbortSignal.timeout`. */
  createDeadline?: CreateDeadline;
};

/** Variables that a check of their own is about. */
const checked = new Set([
  'AUTH_SERVICE_URL',
  'AUTH_API_KEY',
  'DJANGO_JWT_SIGNING_KEY',
  'JWT_ALGORITHM',
  'TOKEN_REFRESH_THRESHOLD',
  'CORS_ORIGINS',
  'REDIS_URL',
]);

const pipeOneIn = 'Pipe in an access token (--token -)';

/** One check's fault is a finding of its own, and no end of the others. */
const guarded = async <Found>(name: string, check: () => Found | Promise<Found>): Promise<Found | Finding> => {
  try {
    return await check();
  } catch (error) {
    // Its message may hold what it was made of.
    const kind = error instanceof Error ? error.name : typeof error;
    return problem(name, `the check itself failed (${kind})`, 'Report this as a bug of the doctor');
  }
};

type Asked = { survey: Survey; transport: ReturnType<typeof createTransport> };

/** The lines about the Auth Service itself. `asked` is null where AUTH_SERVICE_URL is at fault. */
const checkAuthService = async (
  asked: Asked | null,
  withToken: TokenSurvey | null,
  config: Config,
  faults: Faults,
): Promise<Finding[]> => {
  const url = config.authServiceUrl;
  const isThere = asked !== null && asked.survey.paths.length > 0;
  const because = asked === null ? 'AUTH_SERVICE_URL is at fault' : 'the Auth Service cannot be asked';
  const needing = async (name: string, check: (asked: Asked) => Finding | Finding[] | Promise<Finding>) =>
    isThere ? guarded(name, () => check(asked)) : unchecked(name, because);
  const lines = await Promise.all([
    ...(asked === null ? [] : [guarded('AUTH_SERVICE_URL', () => checkReachable(url, asked.survey))]),
    needing('paths', ({ survey: seen }) => checkPaths(url, seen, withToken)),
    needing('dialect', ({ survey: seen }) => checkDialect(seen)),
    needing('refresh', ({ survey: seen }) => checkRefresh(judgePaths(seen, withToken))),
    needing('captcha', ({ survey: seen }) => checkCaptcha(seen)),
    ...(faults.has('AUTH_API_KEY')
      ? []
      : [needing('AUTH_API_KEY', ({ survey: seen, transport }) => checkApiKey(transport, seen))]),
  ]);
  return lines.flat();
};

const acceptanceOf = async (
  asked: Asked | null,
  token: string,
  { read }: SeenToken,
  now: () => number,
): Promise<Acceptance> => {
  if (asked === null) return { state: 'unknown', because: 'AUTH_SERVICE_URL is at fault' };
  if (asked.survey.paths.length === 0) return { state: 'unknown', because: 'it cannot be asked' };
  return read === null
    ? { state: 'unknown', because: 'it is refused here' }
    : askAcceptance({ transport: asked.transport, token, read, now });
};

type TokenLines = {
  findings: Finding[];
  issuedAtMs: number | null;
  /** What paths answer to the token. Null: it was not needed, or is not accepted. */
  survey: TokenSurvey | null;
};

/** Asks with the token after the paths of which nothing is known without one. */
const surveyWith = async (
  asked: Asked | null,
  token: string,
  { read }: SeenToken,
  acceptance: Acceptance,
): Promise<TokenSurvey | null> => {
  if (asked === null || read === null || acceptance.state !== 'accepted') return null;
  const untold = untoldPaths(asked.survey);
  return untold.length === 0
    ? null
    : surveyWithToken({ transport: asked.transport, token, type: read.principal.type, endpoints: untold });
};

/** The lines that need a token. */
const checkWithToken = async (
  { tokenInput, now }: ExamineOptions,
  config: Config,
  faults: Faults,
  asked: Asked | null,
): Promise<TokenLines> => {
  const isRemote = config.tokenValidation === 'remote';
  const remoteKey = ok('DJANGO_JWT_SIGNING_KEY', 'is not needed: TOKEN_VALIDATION is remote');
  const withoutFaulty = (findings: Finding[]) => findings.filter(({ name }) => !faults.has(name));
  if (tokenInput.state !== 'given') {
    const because = tokenInput.state === 'none' ? 'no token was given' : 'no token came';
    const todo = tokenInput.state === 'none' ? pipeOneIn : null;
    return {
      issuedAtMs: null,
      survey: null,
      findings: withoutFaulty([
        tokenInput.state === 'none'
          ? unchecked('token', because, todo)
          : problem('token', tokenInput.says, tokenInput.todo),
        isRemote ? remoteKey : unchecked('DJANGO_JWT_SIGNING_KEY', because, todo),
        unchecked('JWT_ALGORITHM', because, todo),
        unchecked('TOKEN_REFRESH_THRESHOLD', because, todo),
      ]),
    };
  }
  const { token } = tokenInput;
  const keysToTry = isRemote || faults.has('DJANGO_JWT_SIGNING_KEY') ? null : config.signingKeys;
  const seen = await seeToken({ token, config, signingKeys: keysToTry, nowMs: now() });
  const acceptance = await acceptanceOf(asked, token, seen, now);
  const isDeployed = asked !== null && dialectOf(asked.survey) === 'deployed';
  return {
    issuedAtMs: issuedAtOf(seen),
    survey: await surveyWith(asked, token, seen, acceptance),
    findings: withoutFaulty([
      checkToken(seen, acceptance, now()),
      ...[checkCookieSize(token, seen)].filter((finding) => finding !== null),
      isRemote ? remoteKey : checkSigningKey(seen, acceptance),
      checkAlgorithm(seen, config),
      checkThreshold({ seen, thresholdSeconds: config.refreshThresholdSeconds, isDeployed }),
    ]),
  };
};

const checkRedisUrl = (config: Config, faults: Faults, deadlineMs: number): Array<Promise<Finding>> => {
  const { redisUrl } = config;
  if (faults.has('REDIS_URL')) return [];
  return [
    redisUrl === null
      ? Promise.resolve(ok('REDIS_URL', 'is not set: run one replica, which remembers turns until it restarts'))
      : guarded('REDIS_URL', () => checkRedis({ url: redisUrl, deadlineMs })),
  ];
};

/** Each key, and the variables that have to be in order for it to be the one that replicas would have. */
const variablesOfKeys: Record<KeyVariable, readonly string[]> = {
  SEALING_KEY: ['SEALING_KEY', 'DJANGO_JWT_SIGNING_KEY'],
  DJANGO_JWT_SIGNING_KEY: ['DJANGO_JWT_SIGNING_KEY', 'DJANGO_JWT_SIGNING_KEY_PREVIOUS'],
};

/** The lines that compare keys with those of running replicas, once it is known whether Redis can be used. */
const checkReplicas = async (
  config: Config,
  faults: Faults,
  redis: readonly Finding[],
  deadlineMs: number,
): Promise<Finding[]> => {
  const { redisUrl: url, redisPrefix: prefix } = config;
  if (url === null || faults.has('REDIS_URL')) return [];
  if (faults.has('REDIS_PREFIX')) return [unchecked('replicas', 'REDIS_PREFIX is at fault')];
  if (redis.some(({ level }) => level === 'problem')) return [unchecked('replicas', 'Redis cannot be used')];
  const variables = (['SEALING_KEY', 'DJANGO_JWT_SIGNING_KEY'] as const).filter(
    (variable) => !variablesOfKeys[variable].some((one) => faults.has(one)),
  );
  const check = () => checkReplicaKeys({ url, prefix, keys: fingerprintKeys(config), variables, deadlineMs });
  return [await guarded('replicas', check)].flat();
};

/** What is warned of at start, and what the doctor alone warns of. */
const listWarnings = async ({ env }: ExamineOptions, config: Config) => [
  ...listConfigWarnings(config, env),
  ...listLooseSettings(config),
  ...(await checkCookieDomain(config)),
];

/**
 * Checks each item of the guide's "Configuration Checklist", and each variable, against what is there. It changes nothing,
 * needs no BFF that runs, and never throws for what it finds. No finding holds a secret.
 */
export const examine = async (options: ExamineOptions): Promise<Finding[]> => {
  const { env, now, deadlineMs = 5_000, createDeadline } = options;
  const { config, faults } = readEnvironment(env);
  const hasAddress = !faults.has('AUTH_SERVICE_URL');
  const transport = createTransport({ url: config.authServiceUrl, apiKey: config.apiKey, deadlineMs, createDeadline });
  try {
    const redis = Promise.all(checkRedisUrl(config, faults, deadlineMs));
    const replicas = redis.then((findings) => checkReplicas(config, faults, findings, deadlineMs));
    const asked = hasAddress ? { transport, survey: await survey({ transport, now }) } : null;
    const withToken = await checkWithToken(options, config, faults, asked);
    const authService = await checkAuthService(asked, withToken.survey, config, faults);
    const isThere = asked !== null && asked.survey.paths.length > 0;
    const cors = () => checkCors({ ...config, authServiceUrl: hasAddress ? config.authServiceUrl : null });
    return [
      ...authService,
      ...withToken.findings,
      await guarded('clock', () => checkClock(isThere ? asked.survey : null, withToken.issuedAtMs, now())),
      ...(faults.has('CORS_ORIGINS') ? [] : [await guarded('CORS_ORIGINS', cors)].flat()),
      ...(await redis),
      ...(await replicas),
      ...checkVariables({ env, faults, checked, warnings: await listWarnings(options, config) }),
    ];
  } finally {
    await transport.close();
  }
};
