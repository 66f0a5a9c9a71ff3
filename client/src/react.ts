export { AuthProvider, type AuthProviderProps } from './react/auth-provider.ts';
export { useSession, useTRPC, useTRPCClient } from './react/hooks.ts';
export { retry } from './react/retry.ts';
