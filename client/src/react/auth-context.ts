import { createContext, useContext } from 'react';
import type { AuthClient } from '../create-auth-client.ts';
import type { SessionStore } from './session-store.ts';

export const AuthContext = createContext<{ client: AuthClient; store: SessionStore } | null>(null);

/** The value of the nearest `AuthProvider`. `hook`: the name for the error outside one. */
export const useAuth = (hook: string) => {
  const auth = useContext(AuthContext);
  if (auth === null) throw new Error(`${hook}() can only be used inside of an <AuthProvider>.`);
  return auth;
};
