import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { RequestRecorder } from './request-recorder.ts';
import type { Outbox } from './account/outbox.ts';
import { endpointNames, isEndpointName } from './endpoints.ts';
import { parseFault, faultKinds } from './parse-fault.ts';
import { sendRejection } from './http-messages.ts';
import type { createFaultRegistry } from './fault-injection.ts';
import type { HostCheck } from '../host-check.ts';

type ControlOptions = {
  requests: RequestRecorder;
  faults: ReturnType<typeof createFaultRegistry>;
  outbox: Pick<Outbox, 'all'>;
  hostCheck: HostCheck;
};
type ControlResponse = { status: number; body: unknown };

const help = `Control API of the embedded Auth Service

GET    /calls              shows the number of requests, in total and by endpoint
DELETE /calls              resets these numbers
PUT    /faults/{endpoint}  injects a fault at an endpoint, or with * at all endpoints
DELETE /faults/{endpoint}  clears this fault
DELETE /faults             clears all faults
GET    /mails              shows the mails that would have been sent: codes and password-reset links

Endpoints: ${endpointNames.join(', ')}

Faults as JSON. Each accepts "times": the fault applies to that many requests and then clears itself.
${faultKinds.map(({ example }) => `  ${example}`).join('\n')}

curl -X PUT -d '{"kind":"status","status":503,"times":2}' $CONTROL_URL/faults/user
`;

const badRequest = (error: string): ControlResponse => ({ status: 400, body: { error } });

/** HTTP API for other processes: counts requests, injects faults and shows mails, like the methods of `EmbeddedAuthService`. */
export const createControl = ({ requests, faults, outbox, hostCheck }: ControlOptions): RequestListener => {
  const setFault = (target: string, body: string | null): ControlResponse => {
    if (target !== '*' && !isEndpointName(target)) {
      return badRequest(`There is no endpoint "${target}". Use * or one of: ${endpointNames.join(', ')}.`);
    }
    const parsed = body === null ? { ok: true as const, fault: null } : parseFault(body);
    if (!parsed.ok) return badRequest(parsed.error);
    faults.set(target, parsed.fault);
    return { status: 200, body: { endpoint: target, fault: parsed.fault } };
  };

  const countRequests = (): ControlResponse => {
    const counted = [...endpointNames, 'unknown'].map((name) => [name, requests.count(name)] as const);
    const endpoints = Object.fromEntries(counted.filter(([, count]) => count > 0));
    return { status: 200, body: { total: requests.count(), endpoints } };
  };

  const route = async (request: IncomingMessage): Promise<ControlResponse> => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const target = /^\/faults\/(.+)$/.exec(path)?.[1]?.replace('%2A', '*').replace('%2a', '*');
    if (target !== undefined && request.method === 'PUT') return setFault(target, await text(request));
    if (target !== undefined && request.method === 'DELETE') return setFault(target, null);
    switch (`${request.method} ${path}`) {
      case 'GET /':
        return { status: 200, body: help };
      case 'GET /calls':
        return countRequests();
      case 'DELETE /calls':
        requests.reset();
        return countRequests();
      case 'GET /mails':
        return { status: 200, body: { mails: outbox.all } };
      case 'DELETE /faults':
        faults.clear();
        return { status: 200, body: {} };
      default:
        return {
          status: 404,
          body: {
            error: `There is no ${request.method} ${path}. GET / lists all requests that the control API accepts.`,
          },
        };
    }
  };

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const hostRejection = hostCheck.hostRejection(request);
    if (hostRejection !== null) return sendRejection(response, 421, hostRejection);
    const originRejection = hostCheck.originRejection(request);
    if (originRejection !== null) return sendRejection(response, 403, originRejection);
    const { status, body } = await route(request);
    const isText = typeof body === 'string';
    response.writeHead(status, { 'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json' });
    response.end(isText ? body : `${JSON.stringify(body)}\n`);
  };

  return (request, response) => {
    respond(request, response).catch(() => response.destroy());
  };
};
