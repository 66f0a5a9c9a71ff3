import type { RawConnection } from './raw-connection.ts';
import { askRaw, type RawAnswer, type RawRequest } from './raw-request.ts';

export type RestRequest = Omit<RawRequest, 'target' | 'body'> & {
  /** Below `/bff/api`. */
  path: string;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is. */
  body?: string;
};

export type RestAnswer = RawAnswer & { json: unknown };

/** Sends a request to the REST mirror, over a kept connection or a new one. A body without a type of its own is sent as JSON. */
export const askRest = async (
  to: string | RawConnection,
  { path, json, body, headers, ...others }: RestRequest,
): Promise<RestAnswer> => {
  const sent = json === undefined ? body : JSON.stringify(json);
  const type: Record<string, string> = sent === undefined ? {} : { 'content-type': 'application/json' };
  const request: RawRequest = {
    ...others,
    target: `/bff/api${path}`,
    headers: { ...type, ...headers },
    ...(sent === undefined ? {} : { body: sent }),
  };
  const answer = await (typeof to === 'string' ? askRaw(to, request) : to.ask(request));
  return { ...answer, json: answer.body === '' ? null : (JSON.parse(answer.body) as unknown) };
};
