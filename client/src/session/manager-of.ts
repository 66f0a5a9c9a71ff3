import type { AuthSession } from '../create-auth-client.ts';
import type { SessionManager } from './session-manager.ts';

/** The manager behind a session, for functions that most pages do not import. */
export const managerOf = new WeakMap<AuthSession, SessionManager>();
