import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { slices } from '../../../server/src/platform/cooperative-yield.ts';
import { openConnection } from '../../support/app/open-connection.ts';
import { queryTarget } from '../../support/app/raw-request.ts';
import { type Live, startLive, technicians } from '../../support/sse/start-live.ts';

let live: Live;
beforeAll(async () => {
  live = await startLive();
});
afterAll(() => live[Symbol.asyncDispose]());

const open = async () => {
  const { access } = await live.signIn();
  const connection = await openConnection(live.app.url);
  const get = (target: string) => [`GET ${target} HTTP/1.1`, 'host: a', `cookie: access_token=${access}`, '', ''];
  return { connection, get };
};

it('a client that leaves while its large input waits to be parsed keeps no place', async () => {
  const { connection, get } = await open();
  let parse = () => {};
  const waits = vi.spyOn(slices, 'take').mockImplementation(
    () =>
      new Promise((resolve) => {
        parse = resolve;
      }),
  );
  try {
    connection.send(
      ...get(queryTarget('assignments.onTurn', { json: { ...technicians, padding: 'x'.repeat(11_000) } })),
    );
    await vi.waitFor(() => expect(waits).toHaveBeenCalled());
  } finally {
    waits.mockRestore();
  }
  const lines = () => live.app.logLines.filter(({ clientLeft }) => clientLeft === true);
  connection.socket.destroy();
  await vi.waitFor(() => expect(lines()).toHaveLength(1));
  parse();
  // Answered after the stream would have been opened.
  const { onEnd } = await live.signIn();
  using later = await onEnd();
  await live.isOpen(later);
  expect(await live.openCount()).toBe(1);
});

it('streams behind another one on a connection are over when it closes', async () => {
  const { connection, get } = await open();
  await vi.waitFor(async () => expect(await live.openCount()).toBe(0));
  connection.send(...get('/trpc/session.onEnd'), ...get('/trpc/session.me'), ...get('/trpc/session.onEnd'));
  await vi.waitFor(async () => expect(await live.openCount()).toBe(2));
  const lines = live.app.logLines.length;
  connection.socket.destroy();
  await vi.waitFor(async () => expect(await live.openCount()).toBe(0));
  // Each request has its line.
  await vi.waitFor(() => expect(live.app.logLines).toHaveLength(lines + 3));
});
