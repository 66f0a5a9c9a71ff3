import type { AppRouter } from '@auth-bff/server';
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server';

export type { AppRouter } from '@auth-bff/server';
export {
  type Assignment,
  type CurrentSession,
  type Employee,
  type ErrorCode,
  type ErrorData,
  hasRole,
  type HistoryAnswer,
  type InputIssue,
  inSystem,
  type KnownSystem,
  type Leave,
  type LoginAnswer,
  type Profile,
  type Reason,
  type RotationAnswer,
  type RotationPerson,
  type Session,
  type Status,
  type SystemRole,
  type TurnEntry,
  type User,
} from '@auth-bff/shared';
export type { Clock } from './clock.ts';
export {
  type AuthClient,
  type AuthClientOptions,
  type AuthSession,
  createAuthClient,
} from './create-auth-client.ts';
export { type ErrorAction, errorAction, errorData, isAuthError, reasonOf } from './errors.ts';
export { type RefreshLinkOptions, refreshLink } from './links/refresh-link.ts';
export type { RetryOptions } from './links/retry-link.ts';
export { queryRetry } from './query-retry.ts';
export { hydrateSession } from './session/hydrate-session.ts';
export type { SessionListener, SessionSnapshot, SessionUser } from './session/session-snapshot.ts';
export type { Channel, Locks } from './session/tabs.ts';

/** Inputs of all procedures. */
export type RouterInputs = inferRouterInputs<AppRouter>;
/** Outputs of all procedures. */
export type RouterOutputs = inferRouterOutputs<AppRouter>;
