import { STATUS_CODES } from 'node:http';
import {
  codeOfReason,
  directoryStaleHeader,
  httpStatusOfCode,
  messageOfReason,
  type Reason,
  requestIdHeader,
  sessionExpiresInHeader,
  sessionRefreshInHeader,
  sessionUserHeader,
} from '@auth-bff/shared';
import { policy } from '../policy.ts';
import type { JsonSchema } from './json-schemas.ts';
import type { RestProcedure } from './rest-procedures.ts';

const reasons = Object.keys(codeOfReason) as Reason[];

const reasonsOf = (status: number): Reason[] =>
  reasons.filter((reason) => httpStatusOfCode[codeOfReason[reason]] === status);

/** The body of every error. */
export const problemSchema: JsonSchema = {
  type: 'object',
  description: 'An error. Branch on `reason`: titles and details are for people, and may change.',
  properties: {
    type: { type: 'string', const: 'about:blank' },
    title: { type: 'string', description: 'The phrase of the status' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What is wrong, and what to do' },
    reason: { type: 'string', enum: reasons, description: 'Reasons may be added' },
    issues: {
      type: 'array',
      description: 'Each fault of the input. Only with `invalid_input`',
      items: {
        type: 'object',
        properties: {
          path: { type: 'string', description: 'Such as `ids.3`. Empty: the input as a whole' },
          message: { type: 'string', description: 'The expected value' },
        },
        required: ['path', 'message'],
      },
    },
    retryAfterSeconds: { type: 'integer', description: 'Seconds to wait before the next attempt, if waiting helps' },
    requestId: { type: 'string', description: 'The id of the request in the log of the BFF' },
  },
  required: ['type', 'title', 'status', 'detail', 'reason', 'requestId'],
};

const integer: JsonSchema = { type: 'integer' };
const text: JsonSchema = { type: 'string' };

/** The headers of responses, by the name of their component. */
const headers: Record<string, readonly [name: string, description: string, schema: JsonSchema]> = {
  RequestId: [requestIdHeader, "The caller's id if it matches [A-Za-z0-9_-]{1,64}, otherwise a new one", text],
  SessionUser: [sessionUserHeader, 'If the token was valid: the person, such as staff:123', text],
  SessionExpiresIn: [sessionExpiresInHeader, 'If the token was valid: seconds until it expires', integer],
  SessionRefreshIn: [sessionRefreshInHeader, 'If the token was valid: seconds until it should be refreshed', integer],
  DirectoryStale: [directoryStaleHeader, '1 if any data is stale, because the Auth Service failed', text],
  RetryAfter: ['retry-after', 'Seconds to wait before the next attempt', integer],
};

export const headerComponents = (): Record<string, JsonSchema> =>
  Object.fromEntries(Object.entries(headers).map(([name, [, description, schema]]) => [name, { description, schema }]));

/** References to headers, all of those of every response first. */
export const headersWith = (...others: ReadonlyArray<keyof typeof headers>): JsonSchema =>
  Object.fromEntries(
    ['RequestId', 'SessionUser', 'SessionExpiresIn', 'SessionRefreshIn', ...others].map((name) => [
      headers[name]?.[0],
      { $ref: `#/components/headers/${name}` },
    ]),
  );

const describe = (described: readonly Reason[]): string =>
  described.map((reason) => `- \`${reason}\`: ${messageOfReason[reason]}`).join('\n');

const waits = new Set([429, 503]);

const toResponse = (status: number, described: readonly Reason[]): JsonSchema => ({
  description: `${STATUS_CODES[status]}. The reason is one of:\n\n${describe(described)}`,
  headers: waits.has(status) ? headersWith('RetryAfter') : headersWith(),
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

/** Such as `ServiceUnavailable`. */
const componentOf = (status: number): string => (STATUS_CODES[status] ?? '').replaceAll(/[^A-Za-z]/g, '');

const sharedStatuses = [400, 401, 403, 413, 415, 429, 500, 501, 502, 503];

export const responseComponents = (): Record<string, JsonSchema> =>
  Object.fromEntries(sharedStatuses.map((status) => [componentOf(status), toResponse(status, reasonsOf(status))]));

const toShared = (statuses: readonly number[]): Record<string, JsonSchema> =>
  Object.fromEntries(statuses.map((status) => [status, { $ref: `#/components/responses/${componentOf(status)}` }]));

/** The errors that the operation of a procedure can have, by status. */
export const problemResponses = ({ name, route }: RestProcedure): Record<string, JsonSchema> => {
  const isPublic = policy[name]?.who === 'anyone';
  const statuses = sharedStatuses.filter(
    (status) => (status !== 401 || !isPublic) && (status !== 415 || route.method === 'POST'),
  );
  const { notFound } = route;
  return { ...toShared(statuses), ...(notFound === undefined ? {} : { 404: toResponse(404, [notFound]) }) };
};

/** The errors of the picture: any type of body is accepted, and the Auth Service may lack the endpoint. */
export const pictureProblemResponses = (): Record<string, JsonSchema> => ({
  ...toShared(sharedStatuses.filter((status) => status !== 415)),
  501: toResponse(501, ['not_supported']),
});
