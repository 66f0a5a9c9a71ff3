import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type AuthServiceOptions,
  type Dialect,
  type EmbeddedAuthService,
  startAuthService,
} from '../../../server/dev/auth-service/auth-service.ts';
import { type App, type AppOptions, createApp } from '../../../server/src/app.ts';
import { type Config, loadConfig } from '../../../server/src/config.ts';
import { createLog } from '../../../server/src/platform/log.ts';
import { type Browser, createBrowser } from './browser.ts';
import { capture } from '../output/captured.ts';
import { createDeadlines, type Deadlines } from '../time/deadlines.ts';

export const signingKey = 'test-signing-key-that-is-long-enough-0123456789';
export const apiKey = 'test-api-key-0123456789';

export const dialects: readonly Dialect[] = ['guide', 'deployed'];

/** Default lifetime of an access token in each dialect, in milliseconds. */
export const accessLifetimeMs: Readonly<Record<Dialect, number>> = { guide: 900_000, deployed: 300_000 };

export type StartAppOptions = {
  dialect?: Dialect;
  /** Milliseconds since the epoch, for the BFF and the Auth Service. Default: a clock that only the test advances. */
  now?: () => number;
  env?: Record<string, string>;
  authService?: Partial<AuthServiceOptions>;
  /** A running Auth Service that several apps share. Default: a new one. */
  upstream?: EmbeddedAuthService;
  /** Monotonic milliseconds for the breakers. Default `performance.now`. */
  monotonicNow?: () => number;
  recoveryEveryMs?: number;
} & Pick<
  AppOptions,
  | 'accountCalls'
  | 'assignmentLimits'
  | 'createDeadline'
  | 'drainMs'
  | 'idleGraceMs'
  | 'isOverloaded'
  | 'liveLimits'
  | 'officialAdapter'
  | 'redisTimeoutMs'
  | 'startAnswerTimer'
  | 'startKeyTimer'
  | 'startLiveTimer'
  | 'startLogLevelTimer'
  | 'startProbeTimer'
  | 'startRedisTimer'
  | 'startWriteCheckTimer'
  | 'timeouts'
>;

export type TestApp = AsyncDisposable & {
  app: App;
  config: Config;
  authService: EmbeddedAuthService;
  url: string;
  /** Starts the operator's listener on a free port. Resolves to its URL. */
  listenOps: () => Promise<string>;
  /** The deadlines of calls to the Auth Service: they pass only when the test triggers them. */
  deadlines: Deadlines;
  /** A new browser with an empty cookie jar. */
  browser: (options?: { headers?: Record<string, string> }) => Browser;
  /** Parsed log lines. */
  logLines: Array<Record<string, unknown>>;
};

/** An environment without directory cache, so that each lookup is an upstream request. */
export const forgetful = {
  DIRECTORY_FRESH_SECONDS: '0',
  DIRECTORY_STALE_SECONDS: '0',
  DIRECTORY_STALE_ON_ERROR_SECONDS: '0',
  DIRECTORY_NOT_FOUND_SECONDS: '0',
  DIRECTORY_ROLES_FRESH_SECONDS: '0',
  DIRECTORY_ROLES_STALE_ON_ERROR_SECONDS: '0',
};

/** A clock that only the test advances. */
export const createClock = (startMs = Date.now()) => {
  let nowMs = Math.floor(startMs / 1000) * 1000;
  return {
    now: () => nowMs,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
};

/** Starts a real BFF in front of a real embedded Auth Service, each on a free port. */
export const startApp = async (options: StartAppOptions = {}): Promise<TestApp> => {
  const deadlines = createDeadlines();
  const {
    dialect = 'guide',
    now = createClock().now,
    env = {},
    monotonicNow,
    createDeadline = deadlines.create,
    recoveryEveryMs,
    drainMs,
    // A disposed app has no requests in flight, so the drain can be skipped.
    idleGraceMs = 0,
    timeouts,
    // Load of other tests must not trigger load shedding.
    isOverloaded = () => false,
    officialAdapter,
    redisTimeoutMs,
    startRedisTimer,
    startAnswerTimer,
    accountCalls,
    assignmentLimits,
    liveLimits,
    startLiveTimer,
    // Replicas compare their keys at start, and again only when the test triggers it.
    startKeyTimer = () => () => {},
    // Tests count the requests to the Auth Service: it is probed only when the test triggers it.
    startProbeTimer = () => () => {},
    startLogLevelTimer,
    // Redis is checked at start and after each reconnect, and again only when the test triggers it.
    startWriteCheckTimer = () => () => {},
  } = options;
  const authService =
    options.upstream ?? (await startAuthService({ dialect, signingKey, apiKey, now, ...options.authService }));
  const config: Config = {
    ...loadConfig({
      DJANGO_JWT_SIGNING_KEY: signingKey,
      AUTH_API_KEY: apiKey,
      AUTH_SERVICE_URL: authService.url,
      PORT: '0',
      LOG_LEVEL: 'trace',
      ...env,
    }),
    // Any free port, which OPS_PORT cannot say.
    opsPort: 0,
  };
  const logLines: Array<Record<string, unknown>> = [];
  const destination = {
    write: (line: string) => {
      capture(config.isDevelopment ? 'development-log' : 'log', line);
      logLines.push(JSON.parse(line) as Record<string, unknown>);
    },
  };
  const app = await createApp({
    config,
    now,
    log: createLog({ ...config, destination }),
    createDeadline,
    // Retries need no delay in tests.
    sleep: () => nextTurn(),
    ...(monotonicNow === undefined ? {} : { monotonicNow }),
    ...(recoveryEveryMs === undefined ? {} : { recoveryEveryMs }),
    ...(drainMs === undefined ? {} : { drainMs }),
    idleGraceMs,
    ...(timeouts === undefined ? {} : { timeouts }),
    isOverloaded,
    ...(officialAdapter === undefined ? {} : { officialAdapter }),
    ...(redisTimeoutMs === undefined ? {} : { redisTimeoutMs }),
    ...(startRedisTimer === undefined ? {} : { startRedisTimer }),
    ...(accountCalls === undefined ? {} : { accountCalls }),
    ...(startAnswerTimer === undefined ? {} : { startAnswerTimer }),
    ...(assignmentLimits === undefined ? {} : { assignmentLimits }),
    ...(liveLimits === undefined ? {} : { liveLimits }),
    ...(startLiveTimer === undefined ? {} : { startLiveTimer }),
    ...(startLogLevelTimer === undefined ? {} : { startLogLevelTimer }),
    startKeyTimer,
    startProbeTimer,
    startWriteCheckTimer,
  });
  const url = await app.listen();
  return {
    app,
    config,
    authService,
    url,
    listenOps: async () => (await app.listenOps()) ?? '',
    logLines,
    deadlines,
    browser: (browserOptions) => createBrowser({ url, ...browserOptions }),
    async [Symbol.asyncDispose]() {
      await app.close();
      if (options.upstream === undefined) await authService.close();
    },
  };
};
