import type { Session } from '@auth-bff/shared';
import type { MaybePromise } from '../platform/maybe-promise.ts';
import type { Principal } from '../token/principal.ts';
import type { VerifiedToken } from '../token/verified-token.ts';
import {
  type Authentication,
  type AuthenticationOptions,
  createAuthentication,
  type SignedInAs,
} from './authentication.ts';
import type { Membership } from './membership.ts';
import type { OwnSession, SessionCommands } from './session-commands.ts';

export type RequestSessionOptions = AuthenticationOptions & {
  membership: Membership;
  /** Called with the token of the session that the response describes. */
  onSession: (token: VerifiedToken) => void;
  createCommands: (own: OwnSession) => SessionCommands;
};

/** The session as a frontend sees it. Unknown systems and roles become empty lists, which grant nothing. */
const toSession = (
  { id, type, email, fullName, systems, roles }: Principal,
  { expiresAtMs, refreshAtMs }: Pick<VerifiedToken, 'expiresAtMs' | 'refreshAtMs'>,
): Session => ({
  user: { id, type, email, fullName },
  systems: [...(systems ?? [])],
  roles: [...(roles ?? [])],
  expiresAt: new Date(expiresAtMs),
  refreshAt: new Date(refreshAtMs),
});

/** The session of one request: its caller, and the commands that begin, refresh and end a session. */
export const createRequestSession = (options: RequestSessionOptions) => {
  const { presented, membership, onSession, createCommands } = options;
  /** Whether the response already describes a session, or that it has ended. */
  let isSettled = false;
  let commands: SessionCommands | null = null;

  const { current, currentIfLocal } = createAuthentication(options, (token) => {
    if (!isSettled) onSession(token);
  });

  const show = async ({ principal, verified, caller }: SignedInAs): Promise<Session> =>
    toSession(await membership.toShow(principal, caller), verified);

  return {
    current,
    show,

    /** Calls `onSession` if the caller is known without a call to the Auth Service. */
    announce: (): MaybePromise<Authentication | null> => (isSettled ? null : currentIfLocal()),

    /** Created on first use: most requests have no commands. */
    commands(): SessionCommands {
      commands ??= createCommands({
        presented,
        current,
        show,
        onSession,
        settle: () => {
          isSettled = true;
        },
      });
      return commands;
    },
  };
};

export type RequestSession = ReturnType<typeof createRequestSession>;
