import { sessionExpiresInHeader, sessionRefreshInHeader, sessionUserHeader } from '@auth-bff/shared';
import type { FastifyReply } from 'fastify';
import type { VerifiedToken } from '../token/verified-token.ts';

/**
 * Says whose session the response was answered for, and in whole seconds how long it lives: the browser's clock may be
 * wrong.
 */
export const announceSession = (
  reply: FastifyReply,
  { principal, expiresAtMs, refreshAtMs }: Pick<VerifiedToken, 'principal' | 'expiresAtMs' | 'refreshAtMs'>,
  nowMs: number,
): void => {
  const secondsUntil = (timeMs: number) => Math.max(0, Math.floor((timeMs - nowMs) / 1000));
  reply.header(sessionExpiresInHeader, secondsUntil(expiresAtMs));
  reply.header(sessionRefreshInHeader, secondsUntil(refreshAtMs));
  reply.header(sessionUserHeader, `${principal.type}:${principal.id}`);
};
