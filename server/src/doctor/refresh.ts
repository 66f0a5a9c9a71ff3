import { type Finding, ok, problem, warning } from './finding.ts';
import { isAnswer, type Survey } from './survey.ts';

const name = 'refresh';

/** Whether a session can be refreshed there. Guide: "Handle token refresh on 401 responses", which the BFF does. */
export const checkRefresh = ({ paths }: Survey): Finding => {
  const has = (endpoint: string) => {
    const outcome = paths.find((asked) => asked.endpoint.name === endpoint)?.outcome;
    return outcome !== undefined && isAnswer(outcome) && outcome.status !== 404;
  };
  if (has('refresh')) return ok(name, 'the Auth Service has the endpoint that refreshes sessions of both kinds');
  const older = ['staff', 'employee'].filter((type) => has(`${type}-refresh`));
  return older.length === 2
    ? warning(name, 'there are only the older endpoints', 'Nothing has to be done: they are used instead')
    : problem(
        name,
        older.length === 0
          ? 'there is no endpoint for it'
          : `there is none for ${older[0] === 'staff' ? 'employees' : 'staff'}`,
        'People sign in anew when their token ends: have the Auth Service offer /api/v1/token/refresh/cookie/',
      );
};
