import type { Dialect } from './auth-service/options.ts';
import { type SignInPerson, signInPeopleOf } from './auth-service/people/people.ts';

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

/** Three curl commands that work as printed. */
const toCurlLines = (bffUrl: string, [person]: readonly SignInPerson[]): string[] => {
  const trpc = `${bffUrl}/trpc`;
  if (person === undefined) throw new Error('The seed data has no person to sign in as.');
  const credentials = JSON.stringify({ json: { email: person.email, password: person.password, as: person.as } });
  const batch = JSON.stringify({ 0: { json: { id: 123 } }, 1: { json: { system: 'TTS', role: 'Technician' } } });
  return [
    `curl -s -c ${jar} -H 'content-type: application/json' -H 'x-csrf: 1' -d '${credentials}' ${trpc}/session.login`,
    `curl -s -b ${jar} -G --data-urlencode 'input={"json":{"id":123}}' ${trpc}/users.byId`,
    `curl -s -b ${jar} -G --data-urlencode 'input=${batch}' '${trpc}/users.byId,users.byRole?batch=1'`,
  ];
};

/** The text that `npm run dev` prints: URLs, people to sign in as, and example requests. */
export const toBanner = (options: BannerOptions): string => {
  const { bffUrl, hasPage, ticketsUrl, authServiceUrl, controlUrl, dialect, accessLifetimeSeconds } = options;
  const signInPeople = signInPeopleOf(dialect);
  const widthOf = (field: 'email' | 'password') => Math.max(...signInPeople.map((person) => person[field].length));
  const [emailWidth, passwordWidth] = [widthOf('email'), widthOf('password')];
  const people = signInPeople.map(
    ({ email, password, as, shows }) =>
      `  ${as.padEnd(9)} ${email.padEnd(emailWidth)}  ${password.padEnd(passwordWidth)}  ${shows}`,
  );
  return [
    '',
    ...(hasPage ? [`The help desk      ${bffUrl}  (open in a browser)`] : []),
    `The BFF            ${bffUrl}/trpc`,
    `The Auth Service   ${authServiceUrl}  (embedded, ${dialect} dialect; change it with --dialect guide|deployed)`,
    `                   (access tokens are valid for ${accessLifetimeSeconds} s; change it with --access-lifetime-seconds)`,
    `The ticket service ${ticketsUrl}/tickets/  (example backend of another system, which verifies the same session)`,
    ...(controlUrl === null ? [] : [`Fault injection    ${controlUrl}  (curl it for help)`]),
    '',
    'People to sign in as:',
    ...people,
    '',
    'Sign in, look up a user, and send two calls in one batch:',
    ...toCurlLines(bffUrl, signInPeople).map((line) => `  ${line}`),
    '',
    'Second-factor codes and password-reset links are printed here. Press Ctrl-C to stop all servers.',
    '',
  ].join('\n');
};
