import type { SessionSnapshot } from '../session/session-snapshot.ts';

export type SessionView = SessionSnapshot & {
  /** Whether the first answer is still to come. False after a failure too: then the state is `unknown` during an outage. */
  isLoading: boolean;
};

export const toView = ({ state, user, expiresIn }: SessionSnapshot, hasAsked: boolean): SessionView => ({
  state,
  user,
  expiresIn,
  isLoading: state === 'unknown' && !hasAsked,
});
