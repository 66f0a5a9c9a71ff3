import type { FastifyReply, FastifyRequest } from 'fastify';
import { callProcedure } from '../../api/call-procedure.ts';
import { thrownToTRPCError, toAppError } from '../../api/error-mapping.ts';
import { readRestInput } from '../../api/rest/rest-input.ts';
import type { RestProcedure } from '../../api/rest/rest-procedures.ts';
import { queryOf } from '../trpc/calls.ts';
import type { TrpcOptions } from '../trpc/options.ts';
import { turnToParse } from '../turn-to-parse.ts';
import { workSourceOf } from '../work-source.ts';
import { toJsonBody } from './json-body.ts';
import { sendProblem } from './problem.ts';

export type RestHandlerOptions = Pick<TrpcOptions, 'createContext' | 'onError'>;

/** Answers requests with the result of a procedure, under the same policy, limits and telemetry as over tRPC. */
export const createRestHandler = (rest: RestProcedure, { createContext, onError }: RestHandlerOptions) => {
  const { name, procedure } = rest;
  const { type } = procedure._def;
  const facts = { callsInRequest: 1, isStreamed: false, procedures: [name] };

  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await turnToParse(request);
    const { params, body, raw } = request;
    const path = params as Record<string, string>;
    const query = queryOf(raw.url ?? '');
    const ctx = createContext(request, reply, facts);
    const input = readRestInput(rest, { path, query, body: typeof body === 'string' ? body : '' });
    let output: unknown;
    try {
      output = await callProcedure(procedure, { path: name, type, ctx, batchIndex: 0, readInput: () => input });
    } catch (cause) {
      const error = toAppError(thrownToTRPCError(cause));
      onError(error, request, name);
      return sendProblem(request, reply, error);
    }
    return reply
      .header('content-type', 'application/json; charset=utf-8')
      .send(await toJsonBody(output, workSourceOf(request)));
  };
};
