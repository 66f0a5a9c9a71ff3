import { METHODS } from 'node:http';
import { codeOfReason, hasRole, httpStatusOfCode, inSystem } from '@auth-bff/shared';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Assertions } from '../../assertion/assertions.ts';
import { AppError, asAppError } from '../../errors.ts';
import type { Audit } from '../../platform/audit.ts';
import { after, attempt, type MaybePromise } from '../../platform/maybe-promise.ts';
import { createBoundedMap } from '../../platform/bounded-map.ts';
import type { Log } from '../../platform/log.ts';
import type { Authentication, SignedInAs } from '../../session/authentication.ts';
import type { Membership } from '../../session/membership.ts';
import type { Principal } from '../../token/principal.ts';
import { disconnectSignalOf } from '../lifecycle/response-end.ts';
import { toCause } from '../plugins/request-tokens.ts';
import type { RequestTelemetry } from '../telemetry/request-telemetry.ts';
import { admittedHeaders, refusedHeaders } from './identity-headers.ts';
import { createPreparedResponses, setHeaderList } from '../prepared-responses.ts';
import { readVerifyQuery, type VerifyQuery } from './verify-query.ts';
import { namedPlugin } from '../named-plugin.ts';

export const verifyPath = '/bff/verify';

/** The name in metrics, logs and audit lines, in place of a procedure's. */
const name = 'verify';

/** Seconds after which the proxy's client may try again, if the failure itself does not say. */
const defaultRetrySeconds = 1;

/** A proxy's configuration has few queries, and they are short. Long queries are not cached. */
const maxQueries = 1_000;
const maxCachedQueryLength = 1_000;

/** Bounds the log lines that made-up queries can cause. */
const maxReports = 100;

export type VerifyOptions = {
  /** The caller of a request. Sets no cookies. */
  authenticate: (request: FastifyRequest) => Authentication | Promise<Authentication>;
  membership: Membership;
  assertions: Assertions;
  telemetry: RequestTelemetry;
  audit: Audit;
  log: Log;
  /** Of all responses. */
  securityHeaders: Readonly<Record<string, string>>;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
};

/** Proxies understand 401 and 403. Anything else means that the BFF cannot tell now. */
const sendRefusal = (reply: FastifyReply, { reason, retryAfterSeconds }: AppError): void => {
  const status = httpStatusOfCode[codeOfReason[reason]];
  const isDecided = status === 401 || status === 403;
  if (!isDecided) reply.header('retry-after', String(retryAfterSeconds ?? defaultRetrySeconds));
  reply.code(isDecided ? status : 503).header('cache-control', 'no-store');
  setHeaderList(reply, refusedHeaders(reason));
  reply.send();
};

/** What follows a `#` stays in the last value, which is then refused: no requirement may get lost. */
const queryOf = ({ raw: { url = '' } }: FastifyRequest): string => {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at + 1);
};

const isMet = ({ systems, role }: VerifyQuery, caller: Principal): boolean =>
  systems.length === 0 ||
  systems.some((system) => (role === null ? inSystem(caller, system) : hasRole(caller, system, role)));

/**
 * Forward authentication: a proxy asks who the caller of its request is, and whether they may pass. Answers without a body:
 * 200, 401, 403, or 503 with `Retry-After` for anything else. The facts are in the headers.
 */
export const registerVerify = async (server: FastifyInstance, options: VerifyOptions): Promise<void> => {
  const { authenticate, membership, assertions, telemetry, audit, log, monotonicNow, securityHeaders } = options;
  const write = createPreparedResponses({ ...securityHeaders, 'cache-control': 'no-store' });
  const queries = createBoundedMap<string, VerifyQuery>(maxQueries);
  const reported = new Set<string>();

  const readQuery = (query: string): VerifyQuery => {
    const known = queries.get(query);
    if (known !== undefined) return known;
    const read = readVerifyQuery(query);
    if (query.length <= maxCachedQueryLength) queries.set(query, read);
    return read;
  };

  /** With the systems and roles that the token lacks. Throws during an outage if the decision depends on them. */
  const complete = (
    { principal, caller }: SignedInAs,
    { systems, role }: VerifyQuery,
    reply: FastifyReply,
  ): MaybePromise<Principal> => {
    const { type, id, accessToken, requestId, address } = caller;
    // Without `onStale`. Not a copy of the caller by a spread: V8 creates a hidden class for each.
    const lookingUp = { type, id, accessToken, requestId, address, getSignal: disconnectSignalOf(reply) };
    if (role !== null) return membership.toDecideByRole(principal, lookingUp);
    const decided = systems.length === 0 ? principal : membership.toDecide(principal, lookingUp);
    return after(decided, (known) => membership.toShow(known, lookingUp));
  };

  const admit = (request: FastifyRequest, reply: FastifyReply): MaybePromise<readonly string[]> => {
    const query = readQuery(queryOf(request));
    return after(authenticate(request), (caller) => {
      if (caller.state === 'refused') throw caller.error;
      if (request.record !== null) request.record.person = caller.principal;
      return after(complete(caller, query, reply), (principal) => {
        if (!isMet(query, principal)) throw new AppError('insufficient_permissions');
        const assertion = query.audience === null ? null : assertions.issue(principal, query.audience);
        return after<string | null, readonly string[]>(assertion, (issued) => admittedHeaders(principal, issued));
      });
    });
  };

  /** The operator of the proxy has to see this, but not once a request. */
  const reportQuery = (error: AppError): void => {
    const { reason, message } = error;
    if (reason !== 'invalid_input' || reported.size >= maxReports || reported.has(message)) return;
    reported.add(message);
    log.error({ issues: error.issues }, `${message} Correct the configuration of the proxy.`);
  };

  const answer = (request: FastifyRequest, reply: FastifyReply): void => {
    const startedAtMs = monotonicNow();
    if (request.record !== null) request.record.procedures = [name];
    const succeed = (headers: readonly string[]): void => {
      telemetry.recordCall(request, name, null, monotonicNow() - startedAtMs);
      write(reply, { status: 200, body: '', headers });
    };
    const fail = (thrown: unknown): void => {
      const error = asAppError(thrown);
      reportQuery(error);
      telemetry.recordCall(request, name, error.reason, monotonicNow() - startedAtMs);
      telemetry.recordFailure(error, request, name);
      if (error.reason === 'insufficient_permissions') {
        const person = request.record?.person ?? null;
        audit.write({ audit: 'permission_denied', procedure: name, person, service: null }, toCause(request));
      }
      sendRefusal(reply, error);
    };
    void attempt(() => admit(request, reply), succeed, fail);
  };

  await server.register(
    namedPlugin('verify', async (scope) => {
      // Errors of hooks that run earlier: limits, load shedding.
      scope.setErrorHandler((thrown, request, reply) => {
        const error = asAppError(thrown);
        telemetry.recordRejectedRequest(error, request);
        sendRefusal(reply, error);
      });
      for (const method of METHODS) if (!scope.supportedMethods.includes(method)) scope.addHttpMethod(method);
      scope.all(verifyPath, {
        config: { cors: false, rateLimit: name },
        // Before the body is parsed: it is none of ours, whatever its type.
        preParsing: (request, reply) => answer(request, reply),
        handler: () => {},
      });
    }),
  );
};
