import type { AppRouter } from '@auth-bff/server';
import { csrfHeader, csrfValue, maxBodyBytes, maxCallsPerBatch, maxClientUrlBytes } from '@auth-bff/shared';
import { type Operation, TRPCClientError, type TRPCLink } from '@trpc/client';
import { observable } from '@trpc/server/observable';
import { deserialize, serialize } from 'superjson';
import { toAbsolute } from '../environment.ts';
import { waitFailed } from '../errors.ts';
import type { AuthFetch, AuthHeaders } from '../transport.ts';

export type BatchLinkOptions = {
  /** Where the BFF answers tRPC, without a slash at the end. */
  url: string;
  fetch: AuthFetch;
  headers: () => Promise<AuthHeaders>;
};

/** What an answer says of one call, in tRPC's shape. */
type Answer = { error?: never; result: { data: never } };

type Call = {
  op: Operation;
  input: unknown;
  onAnswer: (answer: Answer, meta: Record<string, unknown>) => void;
  onFailure: (cause: unknown) => void;
  isGone: boolean;
  /** Set once it is sent: aborts the request where nobody waits for it any more. */
  onLeave?: () => void;
};

/** What sets cookies stands alone: the server refuses it in a batch with others. */
const standsAlone = ({ op: { type, path } }: Call) => type === 'mutation' && path.startsWith('session.');

const inputsOf = (calls: readonly Call[]) =>
  JSON.stringify(
    Object.assign(
      {},
      calls.map(({ input }) => input),
    ),
  );

/**
 * Sends the calls of one tick as one request, split where the server's limits ask for it. On the wire it is tRPC's
 * httpBatchLink, which costs a page 1.5 kB more.
 * A call that is aborted fails at once; its request is aborted with the last of its calls.
 */
export const batchLink =
  ({ url, fetch, headers }: BatchLinkOptions): TRPCLink<AppRouter> =>
  () => {
    let waiting: Call[] = [];
    /** What a browser adds to the URL: the origin and the path before it, and the encoding of other letters. */
    const addedBytes = Math.max(0, toAbsolute(url).length - url.length);

    const urlOf = (calls: readonly Call[]) => {
      const query = calls[0]?.op.type === 'query' ? `&input=${encodeURIComponent(inputsOf(calls))}` : '';
      return `${url}/${calls.map(({ op }) => op.path).join()}?batch=1${query}`;
    };

    const ask = async (calls: readonly Call[], signal: AbortSignal) => {
      const post =
        calls[0]?.op.type === 'query'
          ? null
          : { method: 'POST', body: inputsOf(calls), headers: { 'content-type': 'application/json' } };
      const sent = { ...post?.headers, ...(await headers()), [csrfHeader]: csrfValue };
      const response = await fetch(urlOf(calls), { ...post, headers: sent, signal });
      const responseJSON = (await response.json()) as Answer | Answer[];
      return { response, responseJSON };
    };

    const send = (calls: readonly Call[]) => {
      const abort = new AbortController();
      const onLeave = () => {
        if (calls.every(({ isGone }) => isGone)) abort.abort();
      };
      const asked = ask(calls, abort.signal);
      for (const [index, call] of calls.entries()) {
        call.onLeave = onLeave;
        asked
          .then((meta) => {
            const { responseJSON: answers } = meta;
            // What is wrong with all of a batch is told once.
            call.onAnswer((Array.isArray(answers) ? answers[index] : answers) as Answer, meta);
          })
          .catch(call.onFailure);
      }
    };

    const flush = () => {
      const fits = (calls: readonly Call[]) =>
        addedBytes + urlOf(calls).length <= maxClientUrlBytes &&
        // Up to 3 bytes a character. What is too long by itself is for the BFF to refuse.
        (calls.length === 1 || calls[0]?.op.type === 'query' || inputsOf(calls).length * 3 <= maxBodyBytes);
      const batches: Call[][] = [];
      for (const call of waiting.filter(({ isGone }) => !isGone)) {
        const open = batches.findLast(([first]) => first?.op.type === call.op.type && !standsAlone(first));
        if (open && !standsAlone(call) && open.length < maxCallsPerBatch && fits([...open, call])) open.push(call);
        else if (fits([call])) batches.push([call]);
        else call.onFailure(new Error('Input is too big for a single dispatch'));
      }
      waiting = [];
      for (const batch of batches) send(batch);
    };

    return ({ op }) =>
      observable((observer) => {
        if (op.type === 'subscription')
          throw new Error('Subscriptions need a link of their own: httpSubscriptionLink.');
        const leave = () => {
          call.isGone = true;
          call.onLeave?.();
        };
        const onAbort = () => {
          call.onFailure(waitFailed(null, op.signal));
          leave();
        };
        const call: Call = {
          op,
          input: null,
          isGone: false,
          onAnswer(answer, meta) {
            if (answer.error) observer.error(TRPCClientError.from({ error: deserialize(answer.error) }, { meta }));
            else {
              observer.next({ context: meta, result: { type: 'data', data: deserialize(answer.result.data) } });
              observer.complete();
            }
          },
          onFailure: (cause) => observer.error(TRPCClientError.from(cause as Error)),
        };
        if (op.signal?.aborted) onAbort();
        op.signal?.addEventListener('abort', onAbort);
        call.input = serialize(op.input);
        if (waiting.push(call) === 1) setTimeout(flush);
        return () => {
          op.signal?.removeEventListener('abort', onAbort);
          leave();
        };
      });
  };
