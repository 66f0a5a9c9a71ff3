import type { PersonType } from '@auth-bff/shared';
import { type Endpoint, endpoints } from '../auth-service/endpoints.ts';
import { isJson } from '../auth-service/response-errors.ts';
import type { Answer, Exchange, Transport } from '../auth-service/transport.ts';
import { type AppError, isAppError } from '../errors.ts';

export type Outcome = Answer | AppError;

export type AskedPath = { endpoint: Endpoint; outcome: Outcome };

/** What the Auth Service answers to each path that is called, asked by GET with nobody's token: that changes nothing. */
export type Survey = {
  /** The first answer, which tells whether there is anybody at all. */
  first: Outcome;
  /** When that was asked for and when it had come: milliseconds since the epoch. */
  askedAtMs: number;
  answeredAtMs: number;
  /** The answer to a path that cannot exist. */
  nowhere: Outcome;
  /** The answer to the login page, which only the deployed service has. */
  loginPage: Outcome;
  /** Empty where the first was no answer, or the service answers nothing for this Host. */
  paths: readonly AskedPath[];
};

export type SurveyOptions = { transport: Pick<Transport, 'request'>; now: () => number };

/** The person or employee that is asked after. Whether there is one is all the same. */
const somebody = 1;

const called: readonly Endpoint[] = [
  endpoints.user(somebody),
  endpoints.users,
  endpoints.usersByRole,
  endpoints.userByCompanyId('MA0001'),
  endpoints.employee(somebody),
  endpoints.staffProfile,
  endpoints.employeeProfile,
  endpoints.whoseToken,
  endpoints.signIn.staff,
  endpoints.signIn.employee,
  endpoints.verifyOtp.staff,
  endpoints.verifyOtp.employee,
  endpoints.refresh.staff,
  endpoints.refreshOlder.staff,
  endpoints.refreshOlder.employee,
  endpoints.signOut.staff,
  endpoints.signOut.employee,
];

const page = (name: string, path: string): Endpoint => ({
  name,
  method: 'GET',
  path,
  audience: 'none',
  isRead: true,
  deadlineMs: 3_000,
});
/** Below `/api/v1/`, so that what routes requests treats it as it treats the others. */
const noSuchPath = page('no-such-path', '/api/v1/no-such-path-asked-by-auth-bff-doctor/');
const loginPage = page('login-page', '/staff/login/');

/** What came back, or why nothing did. */
export const outcomeOf = (answer: Promise<Answer>): Promise<Outcome> =>
  answer.catch((error: unknown) => {
    if (isAppError(error)) return error;
    throw error;
  });

export const isAnswer = (outcome: Outcome): outcome is Answer => !isAppError(outcome);

const byGet = ({ internal: _internal, ...endpoint }: Endpoint): Endpoint => ({ ...endpoint, method: 'GET' });

const asker = (transport: SurveyOptions['transport'], exchange: Exchange = {}) => {
  const ask = (endpoint: Endpoint) => outcomeOf(transport.request(byGet(endpoint), exchange));
  const askAll = (asked: readonly Endpoint[]): Promise<AskedPath[]> =>
    Promise.all(asked.map(async (endpoint) => ({ endpoint, outcome: await ask(endpoint) })));
  return { ask, askAll };
};

/** Whether this is how Django refuses a Host that is not in ALLOWED_HOSTS: 400 with a page, whatever is asked. */
export const isHostRefused = ({ first, nowhere }: Pick<Survey, 'first' | 'nowhere'>): boolean =>
  [first, nowhere].every((outcome) => isAnswer(outcome) && outcome.status === 400 && !isJson(outcome.contentType));

/** Asks every path that the BFF calls, once. */
export const survey = async ({ transport, now }: SurveyOptions): Promise<Survey> => {
  const { ask, askAll } = asker(transport);
  const askedAtMs = now();
  const first = await ask(endpoints.validateStaff);
  const answeredAtMs = now();
  const times = { first, askedAtMs, answeredAtMs };
  const isThere = isAnswer(first) && first.status < 500 && first.status !== 429;
  if (!isThere) return { ...times, nowhere: first, loginPage: first, paths: [] };
  const nowhere = await ask(noSuchPath);
  if (isHostRefused({ first, nowhere })) return { ...times, nowhere, loginPage: first, paths: [] };
  const [login, paths] = await Promise.all([ask(loginPage), askAll(called)]);
  return {
    ...times,
    nowhere,
    loginPage: login,
    paths: [{ endpoint: endpoints.validateStaff, outcome: first }, ...paths],
  };
};

/** The same of some paths, asked with a token. */
export type TokenSurvey = Pick<Survey, 'nowhere' | 'paths'>;

/** Whether a person's token may be sent there by GET. One endpoint refreshes for both kinds; signing out might not need a POST. */
const isFor = (type: PersonType) => (endpoint: Endpoint) =>
  endpoint.path === endpoints.refresh.staff.path ||
  (endpoint.audience === type && endpoint.path !== endpoints.signOut[type].path);

export type SurveyWithTokenOptions = {
  transport: Pick<Transport, 'request'>;
  token: string;
  /** Whose token it is: an employee's is never sent to what is for staff, which takes it for the staff user of that number. */
  type: PersonType;
  endpoints: readonly Endpoint[];
};

/** Asks after paths with a person's token: those that are for this kind of person, and one that cannot exist. */
export const surveyWithToken = async (options: SurveyWithTokenOptions): Promise<TokenSurvey> => {
  const { transport, token, type } = options;
  const { ask, askAll } = asker(transport, { accessToken: token });
  const [nowhere, paths] = await Promise.all([ask(noSuchPath), askAll(options.endpoints.filter(isFor(type)))]);
  return { nowhere, paths };
};
