import { sessionExpiresInHeader, sessionRefreshInHeader } from '@auth-bff/shared';
import type { FastifyReply } from 'fastify';
import type { VerifiedToken } from '../token/verified-token.ts';

/** Tells in whole seconds how long the session of this answer lives: nobody has to trust the browser's clock. */
export const announceSession = (
  reply: FastifyReply,
  { expiresAtMs, refreshAtMs }: Pick<VerifiedToken, 'expiresAtMs' | 'refreshAtMs'>,
  nowMs: number,
): void => {
  const secondsUntil = (timeMs: number) => Math.max(0, Math.floor((timeMs - nowMs) / 1000));
  reply.header(sessionExpiresInHeader, secondsUntil(expiresAtMs));
  reply.header(sessionRefreshInHeader, secondsUntil(refreshAtMs));
};
