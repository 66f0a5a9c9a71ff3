import { maxCallsPerBatch } from '@auth-bff/shared';
import { type AnyTRPCProcedure, TRPCError } from '@trpc/server';
import type { FastifyRequest } from 'fastify';
import { appRouter } from '../../api/router.ts';

export type Call = { path: string; procedure: AnyTRPCProcedure | null };
export type Calls = {
  isBatch: boolean;
  calls: Call[];
  /** The input of the call at this place, read when the first of them is asked for. Throws a TRPCError. */
  inputOf: (index: number) => unknown;
};

type Query = { isBatch: boolean; input: string };

/** As tRPC's clients write it. */
const usualQuery = /^(batch=1&)?input=([^&+]*)$/;

const queryOf = (url: string): string => {
  const fragmentAt = url.indexOf('#');
  const address = fragmentAt < 0 ? url : url.slice(0, fragmentAt);
  const at = address.indexOf('?');
  return at < 0 ? '' : address.slice(at + 1);
};

/** Null: it has what is not for here. */
const readQuery = (url: string): Query | null => {
  const query = queryOf(url);
  const [, batch, input] = usualQuery.exec(query) ?? [];
  try {
    if (input !== undefined) return { isBatch: batch !== undefined, input: decodeURIComponent(input) };
  } catch {
    // What is no UTF-8 is read as browsers read it, below.
  }
  // Of two question marks URLSearchParams drops the first, as `URL` does.
  const params = new URLSearchParams(`?${query}`);
  if (params.has('connectionParams')) return null;
  return { isBatch: params.get('batch') === '1', input: params.get('input') ?? '' };
};

const isBatch = (query: string): boolean =>
  query.startsWith('batch=1&') || new URLSearchParams(`?${query}`).get('batch') === '1';

/** A path that is encoded twice is decoded by tRPC's adapter once more. What cannot be is one call, and refused. */
const decodeOnceMore = (path: string): string => {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
};

/**
 * How many calls a request makes, whether there are such procedures or not, as far as its head tells: the names in the
 * path of a batch, or 1. A batch that is too large is refused, and counts as the largest that is not.
 */
export const countCalls = ({ params, raw }: Pick<FastifyRequest, 'params' | 'raw'>): number => {
  const { path = '' } = params as { path?: string };
  const names = decodeOnceMore(path);
  let calls = 1;
  for (let at = names.indexOf(','); at >= 0 && calls < maxCallsPerBatch; at = names.indexOf(',', at + 1)) calls += 1;
  return calls === 1 || isBatch(queryOf(raw.url ?? '')) ? calls : 1;
};

const { _config: config } = appRouter._def;
/** By their whole paths. */
const procedures = new Map(Object.entries(appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>));

const toCall = (path: string): Call => ({ path, procedure: procedures.get(path) ?? null });

/** Each once. */
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

/** Undefined: none came. */
const parseInput = ({ method, body }: FastifyRequest, { input }: Query): unknown => {
  if (method === 'GET') return input === '' ? undefined : JSON.parse(input);
  // A byte order mark is no part of a text in UTF-8, but JSON.parse takes it for one.
  return JSON.parse((body as string).replace(/^\uFEFF/, ''));
};

const readInputs = (request: FastifyRequest, query: Query, count: number): unknown[] => {
  const parsed = parseInput(request, query);
  if (parsed === undefined) return [];
  const { deserialize } = config.transformer.input;
  if (!query.isBatch) return [deserialize(parsed)];
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new TRPCError({ code: 'BAD_REQUEST', message: '"input" needs to be an object when doing a batch call' });
  }
  return Array.from({ length: count }, (_, index) => {
    const one = (parsed as Record<number, unknown>)[index];
    return one === undefined ? undefined : deserialize(one);
  });
};

/**
 * The calls of a plain request, as tRPC's adapters read them. Null: it streams, or is spelt as no client of tRPC
 * spells it, and tRPC's own adapter shall read it. Throws a TRPCError where it cannot be read as calls.
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
  if (types[0] === 'subscription') return null;

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
  return { isBatch: query.isBatch, calls, inputOf };
};
