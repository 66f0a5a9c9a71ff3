/** Series of Prometheus by name and labels. The values are one a minute, in promtool's notation: `1x2` is 1 1 1, `0+5x2` is 0 5 10. */
export type Series = Readonly<Record<string, string>>;

/** Minutes of each series. */
const minutes = 90;
/** The minute at which the trouble of each case begins. */
const start = 60;
/** The minute at which the alerts are read. */
export const readAtMinute = 80;

const always = (value: number): string => `${value}x${minutes}`;
const growing = (each: number): string => `0+${each}x${minutes}`;
/** `before`, and from the minute `start` on `after`. */
const changing = (before: number, after: number): string => `${before}x${start - 1} ${after}x${minutes - start}`;
/** A counter that stays at `value`, and grows from the minute `start` on. */
const growingFromStart = (value: number, each: number): string =>
  `${value}x${start} ${value + each}+${each}x${minutes}`;

/** One replica with traffic, for hours: some calls fail, some sign-ins and refreshes are refused. */
export const normalSeries: Series = {
  'up{job="auth-bff",instance="a"}': always(1),
  auth_bff_build_info: always(1),
  // A day earlier.
  process_start_time_seconds: always(-86_400),
  process_open_fds: always(200),
  process_max_fds: always(1024),
  process_resident_memory_bytes: always(200e6),
  nodejs_eventloop_lag_p99_seconds: always(0.012),
  'auth_bff_call_duration_seconds_count{procedure="users.byId",code="OK"}': growing(600),
  'auth_bff_call_duration_seconds_count{procedure="users.byId",code="UNAUTHORIZED"}': growing(60),
  'auth_bff_call_duration_seconds_count{procedure="users.byId",code="SERVICE_UNAVAILABLE"}': growing(1),
  'auth_bff_call_duration_seconds_bucket{procedure="users.byId",code="OK",le="0.1"}': growing(590),
  'auth_bff_call_duration_seconds_bucket{procedure="users.byId",code="OK",le="2.5"}': growing(600),
  'auth_bff_call_duration_seconds_bucket{procedure="users.byId",code="OK",le="+Inf"}': growing(600),
  'auth_bff_failures_total{reason="internal"}': always(7),
  'auth_bff_failures_total{reason="auth_service_contract"}': always(3),
  'auth_bff_failures_total{reason="overloaded"}': growing(1),
  'auth_bff_failures_total{reason="token_expired"}': growing(60),
  'auth_bff_refreshes_total{outcome="exchanged"}': growing(40),
  'auth_bff_refreshes_total{outcome="refused"}': growing(2),
  'auth_bff_rate_limited_total{limit="sign_in"}': growing(1),
  'auth_bff_rate_limited_total{limit="requests"}': growing(20),
  'auth_bff_password_reset_mails_total{outcome="failed"}': always(2),
  'auth_bff_password_reset_mails_total{outcome="accepted"}': growing(1),
  'auth_bff_auth_service_state{state="up"}': always(1),
  'auth_bff_auth_service_state{state="degraded"}': always(0),
  'auth_bff_auth_service_state{state="down"}': always(0),
  'auth_bff_breaker_state{endpoint="user-info"}': always(0),
  auth_bff_redis_up: always(1),
  'auth_bff_redis_state{state="up"}': always(1),
  'auth_bff_redis_state{state="refusing"}': always(0),
  'auth_bff_redis_state{state="away"}': always(0),
  'auth_bff_key_mismatch{variable="SEALING_KEY"}': always(0),
  auth_bff_service_account_up: always(1),
  auth_bff_open_subscriptions: always(300),
};

/** A process that started a minute before its first scrape, of which the counter is already at 1. */
const bornWith = (counter: string): Series => ({
  [`process_start_time_seconds{instance="b"}`]: `_x${readAtMinute - 4} ${(readAtMinute - 4) * 60}x10`,
  [`${counter.slice(0, -1)},instance="b"}`]: `_x${readAtMinute - 4} 1x10`,
});

/** Each is a trouble: the alerts that fire, and the series that differ from the normal ones. */
export const alertCases: ReadonlyArray<{ alerts: string[]; trouble: string; series: Series }> = [
  {
    alerts: ['AuthBffAbsent', 'AuthBffTargetDown'],
    trouble: 'the only replica does not answer',
    series: { 'up{job="auth-bff",instance="a"}': changing(1, 0) },
  },
  {
    alerts: ['AuthBffTargetDown'],
    trouble: 'one of two replicas does not answer',
    series: { 'up{job="auth-bff",instance="b"}': changing(1, 0) },
  },
  {
    alerts: ['AuthBffAbsent'],
    trouble: 'the job is gone',
    series: { 'up{job="auth-bff",instance="a"}': '1x59 stale' },
  },
  {
    alerts: ['AuthBffRestarts'],
    trouble: 'the process restarts four times',
    series: {
      process_start_time_seconds: '-86400x59 3600x3 3900x3 4200x3 4500x20',
      // Counters start at 0 with each process.
      'auth_bff_failures_total{reason="internal"}': always(0),
      'auth_bff_failures_total{reason="auth_service_contract"}': always(0),
      'auth_bff_failures_total{reason="overloaded"}': always(0),
      'auth_bff_rate_limited_total{limit="sign_in"}': always(0),
      'auth_bff_password_reset_mails_total{outcome="failed"}': always(0),
    },
  },
  {
    alerts: ['AuthBffErrorRatio'],
    trouble: 'a tenth of the calls is SERVICE_UNAVAILABLE, a code that was never seen before',
    series: {
      'auth_bff_call_duration_seconds_count{procedure="users.me",code="SERVICE_UNAVAILABLE"}': `_x${start} 1+70x30`,
    },
  },
  {
    alerts: ['AuthBffSlowCalls'],
    trouble: 'a tenth of the calls takes over 2.5 s',
    series: {
      'auth_bff_call_duration_seconds_bucket{procedure="users.byId",code="OK",le="+Inf"}': `0+600x${start} 36060+660x30`,
    },
  },
  {
    alerts: ['AuthBffAuthServiceDown'],
    trouble: 'the Auth Service is down',
    series: {
      'auth_bff_auth_service_state{state="down"}': changing(0, 1),
      'auth_bff_auth_service_state{state="up"}': changing(1, 0),
    },
  },
  {
    alerts: ['AuthBffAuthServiceDegraded'],
    trouble: 'the Auth Service is degraded',
    series: { 'auth_bff_auth_service_state{state="degraded"}': changing(0, 1) },
  },
  {
    alerts: ['AuthBffBreakerOpen'],
    trouble: 'a breaker stays open, and is half open now and then',
    series: { 'auth_bff_breaker_state{endpoint="user-info"}': `0x${start} ${'2 2 1 '.repeat(5)}2x20` },
  },
  {
    alerts: ['AuthBffRedisAway'],
    trouble: 'Redis does not answer',
    series: { auth_bff_redis_up: changing(1, 0), 'auth_bff_redis_state{state="away"}': changing(0, 1) },
  },
  {
    alerts: ['AuthBffRedisRefusing'],
    trouble: 'Redis refuses scripts',
    series: { auth_bff_redis_up: changing(1, 0), 'auth_bff_redis_state{state="refusing"}': changing(0, 1) },
  },
  {
    alerts: ['AuthBffServiceAccount'],
    trouble: 'the service account cannot sign in',
    series: { auth_bff_service_account_up: changing(1, 0) },
  },
  {
    alerts: ['AuthBffContractErrors'],
    trouble: 'one response is unexpected',
    series: { 'auth_bff_failures_total{reason="auth_service_contract"}': `3x${readAtMinute - 5} 4x20` },
  },
  {
    alerts: ['AuthBffResetMails'],
    trouble: 'one reset mail fails',
    series: { 'auth_bff_password_reset_mails_total{outcome="failed"}': `2x${readAtMinute - 5} 3x20` },
  },
  {
    alerts: ['AuthBffResetMails'],
    trouble: 'one reset mail fails before the first scrape of a process',
    series: bornWith('auth_bff_password_reset_mails_total{outcome="failed"}'),
  },
  {
    alerts: ['AuthBffKeyMismatch'],
    trouble: 'two replicas have different keys',
    series: { 'auth_bff_key_mismatch{variable="SEALING_KEY"}': changing(0, 1) },
  },
  {
    alerts: ['AuthBffRefreshesRefused'],
    trouble: 'a key change signs people out',
    series: { 'auth_bff_refreshes_total{outcome="refused"}': growingFromStart(100, 30) },
  },
  {
    alerts: ['AuthBffSignInAttack'],
    trouble: 'a client guesses passwords',
    series: { 'auth_bff_rate_limited_total{limit="sign_in"}': growingFromStart(40, 10) },
  },
  {
    alerts: ['AuthBffInternalErrors'],
    trouble: 'one call fails by a bug',
    series: { 'auth_bff_failures_total{reason="internal"}': `7x${readAtMinute - 5} 8x20` },
  },
  {
    alerts: ['AuthBffInternalErrors'],
    trouble: 'one call fails by a bug before the first scrape of a process',
    series: bornWith('auth_bff_failures_total{reason="internal"}'),
  },
  {
    alerts: ['AuthBffOverloaded'],
    trouble: 'ten calls a minute are rejected',
    series: { 'auth_bff_failures_total{reason="overloaded"}': growingFromStart(50, 10) },
  },
  {
    alerts: ['AuthBffEventLoopDelay'],
    trouble: 'the event loop is busy',
    series: { nodejs_eventloop_lag_p99_seconds: changing(0.012, 0.3) },
  },
  {
    alerts: ['AuthBffFileDescriptors'],
    trouble: 'files are left open',
    series: { process_open_fds: changing(200, 900) },
  },
  {
    alerts: ['AuthBffMemory'],
    trouble: 'memory leaks',
    series: { process_resident_memory_bytes: changing(200e6, 600e6) },
  },
  {
    alerts: ['AuthBffSubscriptions'],
    trouble: 'many people have live pages open',
    series: { auth_bff_open_subscriptions: changing(300, 1_700) },
  },
  {
    alerts: [],
    trouble: 'another service of the same Prometheus is in trouble',
    series: Object.fromEntries(
      [
        ['up', changing(1, 0)],
        ['process_open_fds', changing(200, 1_000)],
        ['process_max_fds', always(1_024)],
        ['process_resident_memory_bytes', changing(200e6, 900e6)],
        ['nodejs_eventloop_lag_p99_seconds', changing(0, 5)],
        ['process_start_time_seconds', '0+60x90'],
      ].map(([name, values]) => [`${name}{job="other",instance="z"}`, values ?? '']),
    ),
  },
];
