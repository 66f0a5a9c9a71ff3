import { type AuthClient, createAuthClient } from '../create-auth-client.ts';

export type ServerClientOptions = { url: string; request: { headers: Headers } };

export const createServerClient = ({ url, request }: ServerClientOptions): AuthClient =>
  createAuthClient({ url, headers: { cookie: request.headers.get('cookie') ?? '' }, retry: false });
