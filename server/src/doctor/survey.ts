import { type Endpoint, endpoints } from '../auth-service/endpoints.ts';
import type { Answer, Transport } from '../auth-service/transport.ts';
import { type AppError, isAppError } from '../errors.ts';

export type Outcome = Answer | AppError;

/** What the Auth Service answers to each path that is called, asked by GET with nobody's token: that changes nothing. */
export type Survey = {
  /** The first answer, which tells whether there is anybody at all. */
  first: Outcome;
  /** When that was asked for and when it had come: milliseconds since the epoch. */
  askedAtMs: number;
  answeredAtMs: number;
  /** Empty where the first was no answer. */
  paths: ReadonlyArray<{ endpoint: Endpoint; outcome: Outcome }>;
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

/** What came back, or why nothing did. */
export const outcomeOf = (answer: Promise<Answer>): Promise<Outcome> =>
  answer.catch((error: unknown) => {
    if (isAppError(error)) return error;
    throw error;
  });

export const isAnswer = (outcome: Outcome): outcome is Answer => !isAppError(outcome);

const byGet = ({ internal: _internal, ...endpoint }: Endpoint): Endpoint => ({ ...endpoint, method: 'GET' });

/** Asks every path that the BFF calls, once. */
export const survey = async ({ transport, now }: SurveyOptions): Promise<Survey> => {
  const ask = (endpoint: Endpoint) => outcomeOf(transport.request(byGet(endpoint)));
  const askedAtMs = now();
  const first = await ask(endpoints.validateStaff);
  const answeredAtMs = now();
  const isThere = isAnswer(first) && first.status < 500 && first.status !== 429;
  const others = isThere ? called : [];
  const paths = await Promise.all(others.map(async (endpoint) => ({ endpoint, outcome: await ask(endpoint) })));
  return {
    first,
    askedAtMs,
    answeredAtMs,
    paths: isThere ? [{ endpoint: endpoints.validateStaff, outcome: first }, ...paths] : [],
  };
};
