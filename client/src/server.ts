export { createServerClient } from './server/create-server-client.ts';
