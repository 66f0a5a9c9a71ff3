'use client';

export { AuthProvider, type AuthProviderProps } from './react/auth-provider.ts';
export { useAuthClient, useSession, useSignOut, useTRPC, useTRPCClient } from './react/hooks.ts';
export type { SessionView } from './react/session-view.ts';
export { queryRetry as retry } from './query-retry.ts';
