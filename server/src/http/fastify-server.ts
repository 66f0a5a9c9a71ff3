import { parse } from 'node:querystring';
import Fastify, { type FastifyInstance } from 'fastify';
import { maxBodyBytes, maxUrlBytes, requestIdHeader } from '@auth-bff/shared';
import type { Config } from '../config.ts';
import type { Draining } from './lifecycle/draining.ts';
import { createNodeServer, type Timeouts } from './node-server.ts';
import { requestIdOf } from './plugins/request-id.ts';
import { answerRestFrameworkError, isRestUrl } from './rest/rest-errors.ts';
import type { RequestTelemetry } from './telemetry/request-telemetry.ts';
import { answerClientError, answerFrameworkError } from './trpc/errors.ts';

export type FastifyServerOptions = {
  trustProxy: Config['trustProxy'];
  timeouts: Timeouts;
  draining: Draining;
  /** Headers of every response, including those that no Fastify hook sees. */
  securityHeaders: Record<string, string>;
  telemetry: RequestTelemetry;
};

/** A number is how many proxies stand in front of the BFF, counted from the nearest. */
const toTrustProxy = (trusted: Config['trustProxy']) =>
  typeof trusted === 'number' ? (_address: string, hop: number) => hop < trusted : trusted;

/** Fastify with our limits, and with responses in our format to requests that it cannot parse or route. */
export const createFastifyServer = (options: FastifyServerOptions): FastifyInstance => {
  const { trustProxy, timeouts, draining, securityHeaders, telemetry } = options;
  return Fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    trustProxy: toTrustProxy(trustProxy),
    requestIdHeader: false,
    genReqId: requestIdOf,
    serverFactory: (handler) => createNodeServer({ timeouts, handler, onServer: draining.watch }),
    return503OnClosing: false,
    routerOptions: {
      maxParamLength: maxUrlBytes,
      ignoreTrailingSlash: false,
      // The inputs of tRPC are long, and `trpc/calls.ts` parses them itself.
      querystringParser: (query) => (/^(batch=1&)?input=/.test(query) ? {} : parse(query)),
    },
    frameworkErrors: (error, request, reply) => {
      const answer = isRestUrl(request.url) ? answerRestFrameworkError : answerFrameworkError;
      telemetry.recordUnreadableRequest(answer(error, request, reply.headers(securityHeaders)), request.id);
    },
    clientErrorHandler: (error, socket) => {
      const requestId = requestIdOf({ headers: {} });
      const headers = { ...securityHeaders, [requestIdHeader]: requestId };
      telemetry.recordUnreadableRequest(answerClientError(error, socket, headers), requestId);
    },
  });
};
