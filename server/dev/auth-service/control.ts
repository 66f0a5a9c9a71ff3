import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { RequestRecorder } from './request-recorder.ts';
import { endpointNames, isEndpointName } from './endpoints.ts';
import { parseFault, faultKinds } from './parse-fault.ts';
import { sendRefusal } from './http-messages.ts';
import type { createFaultRegistry } from './fault-injection.ts';
import type { HostCheck } from '../host-check.ts';

type ControlOptions = { calls: RequestRecorder; faults: ReturnType<typeof createFaultRegistry>; hostCheck: HostCheck };
type ControlResponse = { status: number; body: unknown };

const help = `Control of the embedded Auth Service

GET    /calls              how many requests came: in all, and to each endpoint
DELETE /calls              forgets them
PUT    /faults/{endpoint}  makes an endpoint, or all with *, go wrong
DELETE /faults/{endpoint}  makes it go right again
DELETE /faults             makes all of them go right again

Endpoints: ${endpointNames.join(', ')}

Faults, as JSON; each may have "times", after which it clears itself:
${faultKinds.map(({ example }) => `  ${example}`).join('\n')}

curl -X PUT -d '{"kind":"status","status":503,"times":2}' $CONTROL_URL/faults/user
`;

const badRequest = (error: string): ControlResponse => ({ status: 400, body: { error } });

/** Offers over HTTP what the service's owner can do in process: count calls, and make endpoints go wrong. */
export const createControl = ({ calls, faults, hostCheck }: ControlOptions): RequestListener => {
  const setFault = (target: string, body: string | null): ControlResponse => {
    if (target !== '*' && !isEndpointName(target)) {
      return badRequest(`There is no endpoint "${target}". Use * or one of: ${endpointNames.join(', ')}.`);
    }
    const parsed = body === null ? { ok: true as const, fault: null } : parseFault(body);
    if (!parsed.ok) return badRequest(parsed.error);
    faults.set(target, parsed.fault);
    return { status: 200, body: { endpoint: target, fault: parsed.fault } };
  };

  const countCalls = (): ControlResponse => {
    const counted = [...endpointNames, 'unknown'].map((name) => [name, calls.count(name)] as const);
    const endpoints = Object.fromEntries(counted.filter(([, count]) => count > 0));
    return { status: 200, body: { total: calls.count(), endpoints } };
  };

  const answer = async (request: IncomingMessage): Promise<ControlResponse> => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const target = /^\/faults\/(.+)$/.exec(path)?.[1]?.replace('%2A', '*').replace('%2a', '*');
    if (target !== undefined && request.method === 'PUT') return setFault(target, await text(request));
    if (target !== undefined && request.method === 'DELETE') return setFault(target, null);
    switch (`${request.method} ${path}`) {
      case 'GET /':
        return { status: 200, body: help };
      case 'GET /calls':
        return countCalls();
      case 'DELETE /calls':
        calls.reset();
        return countCalls();
      case 'DELETE /faults':
        faults.clear();
        return { status: 200, body: {} };
      default:
        return { status: 404, body: { error: `There is no ${request.method} ${path}. GET / tells what there is.` } };
    }
  };

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const hostRefusal = hostCheck.hostRejection(request);
    if (hostRefusal !== null) return sendRefusal(response, 421, hostRefusal);
    const originRefusal = hostCheck.originRejection(request);
    if (originRefusal !== null) return sendRefusal(response, 403, originRefusal);
    const { status, body } = await answer(request);
    const isText = typeof body === 'string';
    response.writeHead(status, { 'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json' });
    response.end(isText ? body : `${JSON.stringify(body)}\n`);
  };

  return (request, response) => {
    respond(request, response).catch(() => response.destroy());
  };
};
