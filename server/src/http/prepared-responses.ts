import { requestIdHeader } from '@auth-bff/shared';
import type { FastifyReply } from 'fastify';
import type { ByteText } from '../platform/byte-text.ts';

export type PreparedResponse = {
  status: number;
  body: ByteText | Buffer;
  /** Names and values in turn, beside those of all responses of the kind. */
  headers?: readonly string[];
};

/** A list of names and values in turn, as Node writes them. */
export const toHeaderList = (headers: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(headers).flat();

/** Sets headers of a list of names and values in turn. */
export const setHeaderList = (reply: FastifyReply, list: readonly string[]): void => {
  for (let index = 0; index < list.length; index += 2) reply.header(list[index] ?? '', list[index + 1] ?? '');
};

/**
 * Writes responses of one kind past Fastify's reply and its hooks: the headers that are the same on all of them are one
 * prepared list. It has the same result as `reply.send`, and costs half. Headers that were set on the reply are kept,
 * unless the list has them.
 */
export const createPreparedResponses = (common: Readonly<Record<string, string>>) => {
  const prepared = toHeaderList(common);
  return (reply: FastifyReply, { status, body, headers = [] }: PreparedResponse): void => {
    const { request, raw } = reply;
    const list = [...prepared, ...headers, requestIdHeader, request.id, 'content-length', String(body.length)];
    const own = reply.getHeaders();
    for (const name in own) if (!Object.hasOwn(common, name)) list.push(name, String(own[name]));
    reply.hijack();
    raw.writeHead(status, list);
    // The same as `latin1`, with which Node would first join the headers and the body in one more string.
    raw.end(body, 'binary');
  };
};
