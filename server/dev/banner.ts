import type { Dialect } from './auth-service/options.ts';
import { signInPeople } from './auth-service/people/people.ts';

export type BannerOptions = {
  bffUrl: string;
  /** Whether the BFF serves the demo page. */
  hasPage: boolean;
  ticketsUrl: string;
  authServiceUrl: string;
  controlUrl: string | null;
  dialect: Dialect;
  accessLifetimeSeconds: number;
};

const jar = '/tmp/auth-bff.cookies';

/** The three curl lines, each of which works as printed. */
export const toCurlLines = (bffUrl: string): string[] => {
  const trpc = `${bffUrl}/trpc`;
  const [person] = signInPeople;
  if (person === undefined) throw new Error('The seed data has nobody to sign in.');
  const credentials = JSON.stringify({ json: { email: person.email, password: person.password, as: person.as } });
  const batch = JSON.stringify({ 0: { json: { id: 123 } }, 1: { json: { system: 'TTS', role: 'Technician' } } });
  return [
    `curl -s -c ${jar} -H 'content-type: application/json' -H 'x-csrf: 1' -d '${credentials}' ${trpc}/session.login`,
    `curl -s -b ${jar} -G --data-urlencode 'input={"json":{"id":123}}' ${trpc}/users.byId`,
    `curl -s -b ${jar} -G --data-urlencode 'input=${batch}' '${trpc}/users.byId,users.byRole?batch=1'`,
  ];
};

/** Where to go, whom to sign in as, and what to try. */
export const toBanner = (options: BannerOptions): string => {
  const { bffUrl, hasPage, ticketsUrl, authServiceUrl, controlUrl, dialect, accessLifetimeSeconds } = options;
  const width = Math.max(...signInPeople.map(({ email }) => email.length));
  const people = signInPeople.map(
    ({ email, password, as, shows }) => `  ${as.padEnd(9)} ${email.padEnd(width)}  ${password}  ${shows}`,
  );
  return [
    '',
    ...(hasPage ? [`The help desk      ${bffUrl}  (open it in a browser)`] : []),
    `The BFF            ${bffUrl}/trpc`,
    `The Auth Service   ${authServiceUrl}  (embedded, dialect: ${dialect}; --dialect deployed for the other)`,
    `                   (an access token lives ${accessLifetimeSeconds} s; --access-lifetime-seconds changes that)`,
    `The ticket service ${ticketsUrl}/tickets/  (a system's own backend, which verifies the session itself)`,
    ...(controlUrl === null ? [] : [`What breaks it     ${controlUrl}  (curl it for help)`]),
    '',
    'People to sign in as:',
    ...people,
    '',
    'Sign in, look somebody up, and ask two things in one batch:',
    ...toCurlLines(bffUrl).map((line) => `  ${line}`),
    '',
    'A second-factor code is printed here when somebody needs it. Ctrl-C ends all.',
    '',
  ].join('\n');
};
