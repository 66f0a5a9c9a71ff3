import {
  createTRPCClient,
  type HTTPLinkOptions,
  httpBatchLink,
  httpLink,
  splitLink,
  TRPCClientError,
} from '@trpc/client';
import superjson from 'superjson';
import type { ErrorData } from '../../../shared/src/index.ts';
import type { AppRouter } from '../../../server/src/api/router.ts';
import { capture } from '../output/captured.ts';
import { plainFetch } from './plain-fetch.ts';

export type BrowserOptions = {
  url: string;
  headers?: Record<string, string>;
  /** Of another browser, to reach another replica with its session. Default: an empty jar. */
  cookies?: Map<string, string>;
};

/** Simulates a browser: a cookie jar, a fetch that uses it, and a tRPC client over that fetch. */
export const createBrowser = ({ url, headers: own = {}, cookies = new Map() }: BrowserOptions) => {
  /** The raw Set-Cookie lines seen, newest last. */
  const setCookies: string[] = [];
  let lastAnswer: (() => Response) | null = null;

  const keep = (line: string): void => {
    setCookies.push(line);
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
    const at = pair.indexOf('=');
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    const isDeleted = value === '' || attributes.some((attribute) => /^max-age=0$/i.test(attribute));
    if (isDeleted) cookies.delete(name);
    else cookies.set(name, value);
  };

  const cookieHeader = () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');

  const browserFetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(own)) headers.set(name, value);
    if (!headers.has('cookie') && cookies.size > 0) headers.set('cookie', cookieHeader());
    if (init.method === 'POST' && !headers.has('x-csrf')) headers.set('x-csrf', '1');
    const answer = await plainFetch(input, { ...init, headers });
    for (const line of answer.headers.getSetCookie()) keep(line);
    const { text, toResponse } = answer;
    lastAnswer = toResponse;
    capture('answer', text);
    return toResponse();
  };

  const transformer = superjson;
  const linkFetch: NonNullable<HTTPLinkOptions<AppRouter['_def']['_config']['$types']>['fetch']> = (input, init) =>
    browserFetch(input, init as RequestInit);
  const linkOptions = {
    url: `${url}/trpc`,
    transformer,
    fetch: linkFetch,
  };
  const trpc = createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: ({ type }) => type === 'mutation',
        true: httpLink(linkOptions),
        false: httpBatchLink({ ...linkOptions, maxItems: 50 }),
      }),
    ],
  });

  return {
    trpc,
    cookies,
    setCookies,
    fetch: browserFetch,
    /** The last response, with an unread body. Throws before the first request. */
    lastAnswer: () => {
      if (lastAnswer === null) throw new Error('This browser has not sent a request yet.');
      return lastAnswer();
    },
    holdTokens({ access, refresh }: { access?: string | undefined; refresh?: string | undefined }): void {
      if (access !== undefined) cookies.set('access_token', access);
      if (refresh !== undefined) cookies.set('refresh_token', refresh);
    },
  };
};

export type Browser = ReturnType<typeof createBrowser>;

/** The `data` of the tRPC error of a call. Throws if the call succeeds or fails with another error. */
export const errorDataOf = async (call: Promise<unknown>): Promise<ErrorData & { message: string }> => {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!('error' in outcome)) throw new Error(`Expected an error, got ${JSON.stringify(outcome.value)}`);
  const { error } = outcome;
  if (!(error instanceof TRPCClientError) || error.data === undefined || error.data === null) throw error;
  return { ...(error.data as ErrorData), message: error.message };
};

/** The error reason of a failed call. Throws if the call succeeds. */
export const reasonOf = async (call: Promise<unknown>): Promise<string> => (await errorDataOf(call)).reason;
