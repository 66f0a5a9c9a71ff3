import { connect } from 'node:net';
import { expect, vi } from 'vitest';
import { queryTarget } from './raw-request.ts';
import type { TestApp } from './start-app.ts';

/** Calls users.byId as John while the Auth Service hangs, and disconnects once the call has reached the Auth Service. */
export const sendThenLeave = async ({ url, authService }: Pick<TestApp, 'url' | 'authService'>): Promise<void> => {
  const { access } = await authService.issue({ type: 'staff', id: 123 });
  authService.fault('user', { kind: 'hang' });
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const target = queryTarget('users.byId', { json: { id: 5 } });
  socket.write(`GET ${target} HTTP/1.1\r\nhost: a\r\ncookie: access_token=${access}\r\n\r\n`);
  await vi.waitFor(() => expect(authService.count('user')).toBe(1));
  socket.destroy();
};
