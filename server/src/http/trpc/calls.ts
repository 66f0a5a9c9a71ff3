import { maxCallsPerBatch } from '@auth-bff/shared';
import { type AnyTRPCProcedure, TRPCError } from '@trpc/server';
import type { FastifyRequest } from 'fastify';
import type { SuperJSONResult } from 'superjson';
import { readInput, readStorableInput } from '../../api/input-transformer.ts';
import { appRouter } from '../../api/router.ts';
import { queryOf } from '../query-of.ts';

export type Call = { path: string; procedure: AnyTRPCProcedure | null };
/** The only call of a request, whose answer is a stream of events. */
export type Subscription = {
  path: string;
  procedure: AnyTRPCProcedure;
  /** With the id of the last event in it. Rejects with a TRPCError. */
  getRawInput: () => Promise<unknown>;
  /** The id of the last event that the client has received. Null: it subscribes for the first time. */
  lastEventId: string | null;
};
export type Calls = {
  isBatch: boolean;
  calls: Call[];
  /** The input of the call at this index. All inputs are parsed on first use. Throws a TRPCError. */
  inputOf: (index: number) => unknown;
  /** Null: the calls are queries or mutations. */
  subscription: Subscription | null;
};

type Query = { isBatch: boolean; input: string };

/** The form that tRPC's clients send. */
const commonQuery = /^(batch=1&)?input=([^&+]*)$/;

/** Null: it has connection parameters, which only the adapter supports. */
const readQuery = (url: string): Query | null => {
  const query = queryOf(url);
  const [, batch, input] = commonQuery.exec(query) ?? [];
  try {
    if (input !== undefined) return { isBatch: batch !== undefined, input: decodeURIComponent(input) };
  } catch {
    // Invalid UTF-8 is decoded below, by the rules of URLSearchParams.
  }
  // The extra question mark: URLSearchParams removes one, which may be part of the query.
  const params = new URLSearchParams(`?${query}`);
  if (params.has('connectionParams')) return null;
  return { isBatch: params.get('batch') === '1', input: params.get('input') ?? '' };
};

const isBatch = (query: string): boolean =>
  query.startsWith('batch=1&') || new URLSearchParams(`?${query}`).get('batch') === '1';

/** Decodes the path a second time, as tRPC's adapter does. A path that cannot be decoded counts as one call, which is rejected. */
const decodeAgain = (path: string): string => {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
};

/**
 * The number of calls in a request, counted from its URL: the names in the path of a batch, or 1. Unknown procedures count.
 * A batch over the limit is rejected, and counts as a batch of the maximum size.
 */
export const countCalls = ({ params, raw }: Pick<FastifyRequest, 'params' | 'raw'>): number => {
  const { path = '' } = params as { path?: string };
  const names = decodeAgain(path);
  let calls = 1;
  for (let at = names.indexOf(','); at >= 0 && calls < maxCallsPerBatch; at = names.indexOf(',', at + 1)) calls += 1;
  return calls === 1 || isBatch(queryOf(raw.url ?? '')) ? calls : 1;
};

/** By full path, such as `users.byId`. */
const procedures = new Map(Object.entries(appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>));

const toCall = (path: string): Call => ({ path, procedure: procedures.get(path) ?? null });

/** The procedure types, each once. */
const typesOf = (calls: readonly Call[]): string[] => {
  const types: string[] = [];
  for (const { procedure } of calls) {
    if (procedure !== null && !types.includes(procedure._def.type)) types.push(procedure._def.type);
  }
  return types;
};

const toBadRequest = (cause: unknown): TRPCError =>
  cause instanceof TRPCError
    ? cause
    : new TRPCError({ code: 'BAD_REQUEST', message: cause instanceof Error ? cause.message : 'Invalid input', cause });

/** The JSON of the inputs. Empty: there is no input. */
const inputTextOf = ({ method, body }: FastifyRequest, { input }: Query): string =>
  // JSON.parse rejects a byte order mark.
  method === 'GET' ? input : (body as string).replace(/^\uFEFF/, '');

/** Unstorable characters are only in a JSON that has escapes for them: it was decoded from UTF-8, and JSON.parse rejects a NUL. */
const mayBeUnstorable = (json: string): boolean => json.includes(String.raw`\u`);

const readInputs = (request: FastifyRequest, query: Query, count: number): unknown[] => {
  const text = inputTextOf(request, query);
  if (text === '' && request.method === 'GET') return [];
  const parsed: unknown = JSON.parse(text);
  const deserialize = mayBeUnstorable(text) ? readInput : readStorableInput;
  if (!query.isBatch) return [deserialize(parsed as SuperJSONResult)];
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new TRPCError({ code: 'BAD_REQUEST', message: '"input" needs to be an object when doing a batch call' });
  }
  return Array.from({ length: count }, (_, index) => {
    const one = (parsed as Record<number, unknown>)[index];
    return one === undefined ? undefined : deserialize(one as SuperJSONResult);
  });
};

/** The id of the last event received: from the header of an EventSource that reconnects, or from the URL. */
const lastEventIdOf = ({ headers, raw }: FastifyRequest): string | null => {
  const params = new URLSearchParams(`?${queryOf(raw.url ?? '')}`);
  const header = [headers['last-event-id'] ?? []].flat()[0];
  return header ?? params.get('lastEventId') ?? params.get('Last-Event-Id');
};

/** The input of a subscription with the id of the last event, as tRPC's adapters add it. */
const withLastEventId = (input: unknown, lastEventId: string | null): unknown => {
  if (lastEventId === null || lastEventId === '') return input;
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) return { ...input, lastEventId };
  return input ?? { lastEventId };
};

/**
 * The calls of a plain request, parsed as tRPC's adapters parse them. Null: it streams or has a form that no tRPC client
 * sends, and is left to tRPC's own adapter. Throws a TRPCError if it cannot be parsed as calls.
 */
export const readCalls = (request: FastifyRequest, path: string): Calls | null => {
  const { method, headers, body, raw } = request;
  const type = headers['content-type'];
  const isPlain =
    method === 'GET'
      ? type === undefined || type === 'application/json'
      : method === 'POST' && typeof body === 'string';
  if (!isPlain || path.includes('%')) return null;
  if (headers['trpc-accept'] !== undefined || headers.accept?.includes('application/jsonl') === true) return null;
  const query = readQuery(raw.url ?? '');
  if (query === null) return null;

  const calls = query.isBatch ? path.split(',').map(toCall) : [toCall(path)];
  if (calls.length > maxCallsPerBatch) {
    throw new TRPCError({ code: 'BAD_REQUEST', message: 'Batch call exceeds maximum size' });
  }
  const types = typesOf(calls);
  if (types.length > 1) {
    const message = `Cannot mix procedure types in call: ${types.join(', ')}`;
    throw new TRPCError({ code: 'BAD_REQUEST', message });
  }
  // The adapter refuses batches of subscriptions and other methods.
  if (types[0] === 'subscription' && (query.isBatch || method !== 'GET')) return null;

  let inputs: unknown[] | TRPCError | null = null;
  const inputOf = (index: number): unknown => {
    try {
      inputs ??= readInputs(request, query, calls.length);
    } catch (cause) {
      inputs = toBadRequest(cause);
    }
    if (inputs instanceof TRPCError) throw inputs;
    return inputs[index];
  };
  const procedure = calls[0]?.procedure ?? null;
  if (procedure?._def.type !== 'subscription') return { isBatch: query.isBatch, calls, inputOf, subscription: null };
  const lastEventId = lastEventIdOf(request);
  const getRawInput = async () => withLastEventId(inputOf(0), lastEventId);
  return { isBatch: false, calls, inputOf, subscription: { path, procedure, getRawInput, lastEventId } };
};
