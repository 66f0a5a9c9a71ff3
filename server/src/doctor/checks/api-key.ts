import { decode } from '../../auth-service/decode.ts';
import { endpoints } from '../../auth-service/endpoints.ts';
import { isJson, readJson } from '../../auth-service/response-errors.ts';
import type { Transport, UpstreamResponse } from '../../auth-service/transport.ts';
import { WireEmployee } from '../../auth-service/wire.ts';
import { isAppError } from '../../errors.ts';
import { type Finding, ok, problem, warning } from '../finding.ts';
import { type EndpointProbe, isResponse, outcomeOf } from '../probe-endpoints.ts';
import { explainOutcome } from './reachable.ts';

const name = 'AUTH_API_KEY';
const employee = endpoints.employee(1);

/** The service disclosed the employee, or that the id does not exist. Either requires access. */
const isOpen = ({ status, contentType }: UpstreamResponse) => status === 200 || (status === 404 && isJson(contentType));

/** Whether the key opens the employee endpoint, and whether the endpoint requires a key. Reads employee 1 only. */
export const checkApiKey = async (transport: Pick<Transport, 'request'>, probe: EndpointProbe): Promise<Finding> => {
  const outcome = await outcomeOf(transport.request(employee));
  if (!isResponse(outcome) || outcome.status >= 500 || outcome.status === 429) {
    const { message, fix } = explainOutcome(outcome);
    return problem(name, `the employee endpoint is unavailable: ${message}`, fix);
  }
  const { status } = outcome;
  if (status === 401 || status === 403) {
    return problem(
      name,
      `the employee endpoint refuses the key (status ${status})`,
      'Set AUTH_API_KEY to the key that is configured at the Auth Service',
    );
  }
  if (!isOpen(outcome)) {
    return problem(
      name,
      `the employee endpoint returns an unexpected status (${status})`,
      'See the line `paths`, and check whether this Auth Service has employees',
    );
  }
  if (status === 200) {
    try {
      decode(employee, WireEmployee, readJson(employee, outcome));
    } catch (error) {
      if (!isAppError(error)) throw error;
      return problem(name, error.message.replace(/\.$/, ''), 'Check whether this Auth Service has a newer version');
    }
  }
  const withoutKey = probe.endpoints.find(({ endpoint }) => endpoint.name === employee.name)?.outcome;
  return withoutKey !== undefined && isResponse(withoutKey) && isOpen(withoutKey)
    ? warning(
        name,
        'the employee endpoint accepts the key, but it is also open without a key',
        'Make the Auth Service check X-API-Key, or restrict network access to it',
      )
    : ok(name, 'opens the employee endpoint, which refuses requests without a key');
};
