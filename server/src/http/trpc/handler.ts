import { trpcPath } from '@auth-bff/shared';
import { getTRPCErrorFromUnknown, getTRPCErrorShape, transformTRPCResponse, TRPCError } from '@trpc/server';
import { getHTTPStatusCode } from '@trpc/server/http';
import type { TRPCResponse } from '@trpc/server/rpc';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { callProcedure } from '../../api/call-procedure.ts';
import type { Context } from '../../api/context.ts';
import { toAppError } from '../../api/error-data.ts';
import { countRecords, writeOutputInParts } from '../../api/output-transformer.ts';
import { appRouter } from '../../api/router.ts';
import { thrownToTRPCError } from '../../api/trpc.ts';
import { sourceOf } from '../../auth-service/resilience/call-source.ts';
import { personOf } from '../../auth-service/transport.ts';
import type { AppError } from '../../errors.ts';
import { minRecords, recordsPerSlice, slices } from '../../platform/cooperative-yield.ts';
import { clientAddressOf } from '../plugins/client-address.ts';
import { registerRequestLine } from './request-line.ts';
import { correctType, createTrpcAdapter } from './adapter.ts';
import { type Call, type Calls, readCalls } from './calls.ts';
import { namesOf, retryAfterOf, tellOf, type TrpcOptions } from './options.ts';

const config = appRouter._def._config;
const methodOfType = { query: 'GET', mutation: 'POST', subscription: 'GET' } as const;

/** The answer of one call, as JSON beside it: a long text in UTF-8, so that the whole response need not be encoded in one go. */
type Answered = { response: TRPCResponse; json: string | Buffer };

const longText = 16_384;
const [dataBegins, dataEnds] = ['{"result":{"data":', '}}'];

/** What has succeeded is put together here: `transformTRPCResponse` copies it twice. */
const toText = (response: TRPCResponse): string =>
  'error' in response
    ? JSON.stringify(transformTRPCResponse(config, response))
    : `${dataBegins}${JSON.stringify(config.transformer.output.serialize(response.result.data))}${dataEnds}`;

const toAnswered = (response: TRPCResponse): Answered => {
  const text = toText(response);
  return { response, json: text.length < longText ? text : Buffer.from(text) };
};

/** More records than are written in one turn of the event loop. */
const toAnsweredInParts = async (
  response: TRPCResponse,
  data: object,
  { id, record }: FastifyRequest,
): Promise<Answered> => {
  const source = record?.person == null ? id : personOf(record.person);
  const beforePart = (records: number) => slices.take(records, source);
  const json = await writeOutputInParts(data, { recordsPerPart: recordsPerSlice, beforePart });
  return { response, json: Buffer.concat([Buffer.from(dataBegins), json, Buffer.from(dataEnds)]) };
};

const statusOf = (answered: Answered | readonly Answered[]): number =>
  getHTTPStatusCode(
    Array.isArray(answered) ? answered.map(({ response }) => response) : (answered as Answered).response,
  );

const isText = (json: string | Buffer): json is string => typeof json === 'string';

/** The body of a response: text where all of it is. */
const toBody = (answered: Answered | readonly Answered[]): string | Buffer => {
  if (!Array.isArray(answered)) return (answered as Answered).json;
  const parts = (answered as readonly Answered[]).map(({ json }) => json);
  if (parts.every(isText)) return `[${parts.join(',')}]`;
  const bytes = parts.flatMap((json, index) => [index === 0 ? '[' : ',', json]);
  return Buffer.concat([...bytes, ']'].map((part) => (isText(part) ? Buffer.from(part) : part)));
};

/** Characters of an input that take as long to read as one record takes to look up, check and write. */
const charactersPerRecord = 160;

/** How much work it is to read a request, in records. */
const recordsToRead = ({ body, raw }: FastifyRequest): number => {
  const characters = (raw.url?.length ?? 0) + (typeof body === 'string' ? body.length : 0);
  return Math.floor(characters / charactersPerRecord);
};

export type TrpcHandlerOptions = TrpcOptions & {
  /** Whether answers differ by `Origin`, as with CORS they do. */
  variesByOrigin: boolean;
  /** Whether tRPC's own adapter answers everything. Default false. */
  officialAdapter?: boolean | undefined;
};

/**
 * Answers `/trpc`: plain queries and mutations, single and batched, right here, and what streams by tRPC's own adapter.
 *
 * That one goes by way of a web `Request`, a `Response`, a stream and some abort signals for each call, which costs
 * more than all the rest of the service together (docs/benchmarks.md). This one answers the same, made of the functions that
 * tRPC has for adapters. Calls get no `signal`: the context knows when the client has left.
 */
export const registerTrpc = async (server: FastifyInstance, options: TrpcHandlerOptions): Promise<void> => {
  const { createContext, variesByOrigin, officialAdapter = false } = options;
  const vary = variesByOrigin ? 'trpc-accept, accept, Origin' : 'trpc-accept, accept';
  const answerByAdapter = createTrpcAdapter(options);

  const answerCall = async (
    request: FastifyRequest,
    ctx: Context,
    { path, procedure }: Call,
    batchIndex: number,
    inputOf: Calls['inputOf'],
    errors: AppError[],
  ): Promise<Answered> => {
    let response: TRPCResponse;
    const type = procedure?._def.type ?? 'unknown';
    try {
      if (procedure === null || type === 'unknown')
        throw new TRPCError({ code: 'NOT_FOUND', message: `No procedure found on path "${path}"` });
      if (request.method !== methodOfType[type]) {
        const message = `Unsupported ${request.method}-request to ${type} procedure at path "${path}"`;
        throw new TRPCError({ code: 'METHOD_NOT_SUPPORTED', message });
      }
      const getRawInput = async () => inputOf(batchIndex);
      const data = await callProcedure(procedure, { path, type, ctx, getRawInput, signal: undefined, batchIndex });
      response = { result: { data } };
    } catch (cause) {
      const error = thrownToTRPCError(cause);
      const appError = toAppError(error);
      errors.push(appError);
      tellOf(options, request, { error: appError, path, isProcedureFound: type !== 'unknown' });
      response = { error: getTRPCErrorShape({ config, error, type, path, input: undefined, ctx }) };
    }
    const data: unknown = 'result' in response ? response.result.data : null;
    return countRecords(data) > recordsPerSlice
      ? toAnsweredInParts(response, data as object, request)
      : toAnswered(response);
  };

  const send = (reply: FastifyReply, answered: Answered | Answered[], errors: readonly AppError[]) => {
    const retryAfter = errors.length === 0 ? null : retryAfterOf(errors);
    if (retryAfter !== null) reply.header('retry-after', String(retryAfter));
    const body = toBody(answered);
    return (
      reply
        .code(errors.length === 0 ? 200 : statusOf(answered))
        // Fastify adds the character set to that of a text alone.
        .header('content-type', isText(body) ? 'application/json' : 'application/json; charset=utf-8')
        .send(body)
    );
  };

  /** A request that cannot be read as calls. */
  const refuse = (request: FastifyRequest, reply: FastifyReply, cause: unknown) => {
    const error = getTRPCErrorFromUnknown(cause);
    const appError = toAppError(error);
    tellOf(options, request, { error: appError, path: undefined, isProcedureFound: false });
    const shape = { config, error, type: 'unknown', path: undefined, input: undefined, ctx: undefined } as const;
    return send(reply, toAnswered({ error: getTRPCErrorShape(shape) }), [appError]);
  };

  const sendOnceAnswered = async (
    answering: Promise<Answered | Answered[]>,
    reply: FastifyReply,
    errors: readonly AppError[],
  ): Promise<void> => {
    try {
      send(reply, await answering, errors);
    } catch (error) {
      reply.send(error);
    }
  };

  /** Returns nothing but what the adapter promises: Fastify would wait for a promise in three steps more. */
  const answerNow = (request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined => {
    const { path } = request.params as { path: string };
    let read: Calls | null = null;
    try {
      if (!officialAdapter) read = readCalls(request, path);
    } catch (cause) {
      refuse(request, reply, cause);
      return undefined;
    }
    if (read === null) return answerByAdapter(request, reply, path);
    const { isBatch, calls, inputOf } = read;
    const facts = { callsInRequest: calls.length, isStreamed: false, procedures: namesOf(calls) };
    const ctx = createContext(request, reply, facts);
    const errors: AppError[] = [];
    const answering = calls.map((call, index) => answerCall(request, ctx, call, index, inputOf, errors));
    const [first] = answering;
    void sendOnceAnswered(isBatch || first === undefined ? Promise.all(answering) : first, reply, errors);
    return undefined;
  };

  /** A long input is read in a slice of its own: 50 that arrive at once would hold the event loop. */
  const answer = (request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined => {
    const records = recordsToRead(request);
    // Few inputs are long, and the network of the others need not be worked out.
    if (records < minRecords) return answerNow(request, reply);
    const turn = slices.take(records, sourceOf({ address: clientAddressOf(request) }).name);
    if (turn === undefined) return answerNow(request, reply);
    turn
      .then(() => answerNow(request, reply))
      .catch((error: unknown) => {
        reply.send(error);
      });
    return undefined;
  };

  await server.register(async (scope) => {
    // Also on answers that are given before any handler is asked.
    scope.addHook('onSend', (_request, reply, payload, done) => {
      reply.header('cache-control', 'no-store').header('vary', vary);
      correctType(payload);
      done(null, payload);
    });
    registerRequestLine(scope);
    scope.removeContentTypeParser('application/json');
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    scope.all(`${trpcPath}/:path`, answer);
  });
};
