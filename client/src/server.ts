export { createServerClient, type ServerClientOptions } from './server/create-server-client.ts';
export { refreshOnServer, type RefreshOnServerOptions, type ServerSession } from './server/refresh-on-server.ts';
export type { ServerRequest } from './server/request-headers.ts';
