import type { FastifyReply, FastifyRequest } from 'fastify';
import { callProcedure } from '../../api/call-procedure.ts';
import { thrownToTRPCError, toAppError } from '../../api/error-mapping.ts';
import { readRestInput } from '../../api/rest/rest-input.ts';
import type { RestProcedure } from '../../api/rest/rest-procedures.ts';
import { type ByteText, toBuffer } from '../../platform/byte-text.ts';
import { after, attempt, type MaybePromise } from '../../platform/maybe-promise.ts';
import { finalSessionHeadersOf } from '../cookies/announce-session.ts';
import { createPreparedResponses } from '../prepared-responses.ts';
import { queryOf } from '../query-of.ts';
import type { TrpcOptions } from '../trpc/options.ts';
import { turnToParse } from '../turn-to-parse.ts';
import { workSourceOf } from '../work-source.ts';
import { toJsonBody } from './json-body.ts';
import { sendProblem } from './problem.ts';

export type RestHandlerOptions = Pick<TrpcOptions, 'createContext' | 'onError'> & {
  /** Of all responses. */
  securityHeaders: Readonly<Record<string, string>>;
};

const jsonType = 'application/json; charset=utf-8';

/** Answers requests with the result of a procedure, under the same policy, limits and telemetry as over tRPC. */
export const createRestHandler = (
  rest: RestProcedure,
  { createContext, onError, securityHeaders }: RestHandlerOptions,
) => {
  const { name, procedure } = rest;
  const { type } = procedure._def;
  const write = createPreparedResponses({
    ...securityHeaders,
    'cache-control': 'no-store',
    'content-type': jsonType,
  });
  const facts = { callsInRequest: 1, isStreamed: false, procedures: [name] };

  const succeed = (request: FastifyRequest, reply: FastifyReply, body: ByteText | Buffer): void => {
    const headers = finalSessionHeadersOf(request);
    if (headers === null) reply.header('content-type', jsonType).send(toBuffer(body));
    else write(reply, { status: 200, body, headers });
  };

  const serve = (request: FastifyRequest, reply: FastifyReply): MaybePromise<void> => {
    const { params, body, raw } = request;
    const path = params as Record<string, string>;
    const query = queryOf(raw.url ?? '');
    const ctx = createContext(request, reply, facts);
    const input = readRestInput(rest, { path, query, body: typeof body === 'string' ? body : '' });
    const fail = (cause: unknown): void => {
      const error = toAppError(thrownToTRPCError(cause));
      onError(error, request, name);
      sendProblem(request, reply, error);
    };
    const answer = (output: unknown): MaybePromise<void> =>
      after<ByteText | Buffer, void>(toJsonBody(output, workSourceOf(request)), (text) =>
        succeed(request, reply, text),
      );
    const call = () => callProcedure(procedure, { path: name, type, ctx, batchIndex: 0, readInput: () => input });
    return attempt(call, answer, fail);
  };

  /** Returns no promise: Fastify would wait for the end of the response. */
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const turn = turnToParse(request);
    const served = turn === undefined ? serve(request, reply) : turn.then(() => serve(request, reply));
    if (served instanceof Promise) served.catch((error: unknown) => void reply.send(error));
  };
};
