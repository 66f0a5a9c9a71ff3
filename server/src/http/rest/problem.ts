import { STATUS_CODES } from 'node:http';
import type { InputIssue, Reason } from '@auth-bff/shared';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppError } from '../../errors.ts';
import { statusOf } from '../trpc/errors.ts';

/** The body of every REST error. Source: RFC 9457, with the members of our errors. */
export type Problem = {
  /** Callers branch on `reason`. With `about:blank`, the title is the phrase of the status. Source: RFC 9457, 4.2.1. */
  type: 'about:blank';
  title: string;
  status: number;
  detail: string;
  reason: Reason;
  issues?: InputIssue[];
  retryAfterSeconds?: number;
  requestId: string;
};

export const problemType = 'application/problem+json';

/** Messages that speak of procedures, in the words of REST. */
const detailOf = ({ reason, message }: AppError): string =>
  reason === 'no_such_procedure' ? 'There is nothing at this path. /bff/openapi.json lists the paths.' : message;

export const toProblem = (error: AppError, requestId: string): Problem => {
  const status = statusOf(error);
  const { reason, issues, retryAfterSeconds } = error;
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: detailOf(error),
    reason,
    ...(issues === undefined ? {} : { issues }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    requestId,
  };
};

/** Answers a request with an error. */
export const sendProblem = (request: FastifyRequest, reply: FastifyReply, error: AppError): FastifyReply => {
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
  return (
    reply
      .code(statusOf(error))
      .header('content-type', problemType)
      .header('cache-control', 'no-store')
      // Bytes: to a string Fastify adds a charset, which this type does not have.
      .send(Buffer.from(JSON.stringify(toProblem(error, request.id))))
  );
};
