import { decode } from '../../auth-service/decode.ts';
import { endpoints } from '../../auth-service/endpoints.ts';
import { isJson, readJson } from '../../auth-service/response-errors.ts';
import type { Answer, Transport } from '../../auth-service/transport.ts';
import { WireEmployee } from '../../auth-service/wire.ts';
import { isAppError } from '../../errors.ts';
import { type Finding, ok, problem, warning } from '../finding.ts';
import { whyNot } from './reachable.ts';
import { isAnswer, outcomeOf, type Survey } from '../probe-endpoints.ts';

const name = 'AUTH_API_KEY';
const employee = endpoints.employee(1);

/** An employee, or that there is none with this number: either is told only to those who may know. */
const isOpen = ({ status, contentType }: Answer) => status === 200 || (status === 404 && isJson(contentType));

/** Whether the key opens the employee endpoint, and whether it takes a key to open it. Reads no more than employee 1. */
export const checkApiKey = async (transport: Pick<Transport, 'request'>, { paths }: Survey): Promise<Finding> => {
  const outcome = await outcomeOf(transport.request(employee));
  if (!isAnswer(outcome) || outcome.status >= 500 || outcome.status === 429) {
    const { says, todo } = whyNot(outcome);
    return problem(name, `the employee endpoint cannot be asked: ${says}`, todo);
  }
  const { status } = outcome;
  if (status === 401 || status === 403) {
    return problem(
      name,
      `the employee endpoint refuses it (status ${status})`,
      'Set AUTH_API_KEY to the key that the Auth Service knows',
    );
  }
  if (!isOpen(outcome)) {
    return problem(
      name,
      `the employee endpoint does not open (status ${status})`,
      'Look at the line on paths, and whether this Auth Service has employees',
    );
  }
  if (status === 200) {
    try {
      decode(employee, WireEmployee, readJson(employee, outcome));
    } catch (error) {
      if (!isAppError(error)) throw error;
      return problem(name, error.message.replace(/\.$/, ''), 'Ask whether this Auth Service is of a newer version');
    }
  }
  const bare = paths.find(({ endpoint }) => endpoint.name === employee.name)?.outcome;
  return bare !== undefined && isAnswer(bare) && isOpen(bare)
    ? warning(
        name,
        'the employee endpoint opens, but it opens without a key too, to anybody who reaches it',
        'Have the Auth Service check X-API-Key, or let nobody else reach it',
      )
    : ok(name, 'opens the employee endpoint, which is closed without it');
};
