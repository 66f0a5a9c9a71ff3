import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Upstream } from '../auth-service/upstream.ts';
import type { Audit } from '../platform/audit.ts';
import type { Platform } from '../platform/platform.ts';
import { createAuditedCommands, toSessionEnded } from '../session/audited-commands.ts';
import type { Identity } from '../session/identity.ts';
import { createRequestSession, type RequestSession } from '../session/request-session.ts';
import type { OwnSession } from '../session/session-commands.ts';
import { announceSession, withdrawSession } from './cookies/announce-session.ts';
import { createCookieWriter, deviceCookieValues } from './cookies/cookies.ts';
import { onResponseEnd } from './lifecycle/response-end.ts';
import { presentedTokens, toCause } from './plugins/request-tokens.ts';
import type { SignOutLookup } from './plugins/sign-out-lookup.ts';

export type SessionBindingOptions = {
  platform: Platform;
  authService: Upstream['authService'];
  identity: Identity;
  audit: Audit;
  signOuts: SignOutLookup;
};

/** Bounds the log lines and the memory that made-up Host headers can cause. */
const maxReportedHosts = 100;

/** Creates the session of a request, once per request, and binds it to the cookies and headers of its reply. */
export const createSessionBinding = (options: SessionBindingOptions) => {
  const { platform, authService, identity, audit, signOuts } = options;
  const { config, log, now } = platform;
  const { sessions, tokenChooser, accountStatus, membership, tokenOwnersOf } = identity;

  const reportedHosts = new Set<string>();
  const cookies = createCookieWriter({
    ...config,
    now,
    onForeignHost(host) {
      if (reportedHosts.size >= maxReportedHosts || reportedHosts.has(host)) return;
      reportedHosts.add(host);
      log.warn(
        { host, cookieDomain: config.cookieDomain },
        'Browsers will drop the session cookies: the host of the request is not in COOKIE_DOMAIN. Set COOKIE_DOMAIN to a domain that contains this host, or unset it.',
      );
    },
  });

  const createCommands = (request: FastifyRequest, reply: FastifyReply, own: OwnSession) =>
    createAuditedCommands({
      own,
      cause: toCause(request),
      deviceValues: () => deviceCookieValues(request),
      sessions,
      validate: authService.validate,
      setCookies: (session, cookieOptions) => cookies.set(reply, session, cookieOptions),
      clearCookies: () => {
        cookies.clear(reply);
        withdrawSession(request);
      },
      audit,
      tokenOwnersOf,
      onResponseEnd: (callback) => onResponseEnd(reply, callback),
    });

  return (request: FastifyRequest, reply: FastifyReply): RequestSession => {
    request.requestSession ??= createRequestSession({
      presented: presentedTokens(request),
      chosen: request.chosenToken,
      cause: toCause(request),
      isSignedOut: (access) => signOuts.isSignedOut(request, access),
      tokenChooser,
      accountStatus,
      membership,
      onConflict: () => cookies.expirePlanted(reply),
      onEnd: (...end) => audit.write(toSessionEnded(...end), toCause(request)),
      onSession: (token) => {
        if (request.record !== null) request.record.person = token.principal;
        announceSession(request, token, now());
      },
      createCommands: (own) => createCommands(request, reply, own),
    });
    return request.requestSession;
  };
};

export type SessionBinding = ReturnType<typeof createSessionBinding>;
