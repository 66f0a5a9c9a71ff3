'use client';

export { AuthProvider, type AuthProviderProps } from './react/auth-provider.ts';
export { useSession, useTRPC, useTRPCClient } from './react/hooks.ts';
export { queryRetry as retry } from './query-retry.ts';
