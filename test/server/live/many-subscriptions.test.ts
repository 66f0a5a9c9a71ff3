import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { browserOf, crowd } from '../../support/app/crowd.ts';
import { queryTarget } from '../../support/app/raw-request.ts';
import { startApp, type TestApp } from '../../support/app/start-app.ts';
import { collectGarbage } from '../../support/measure/collect-garbage.ts';
import { technicians } from '../../support/sse/start-live.ts';

const [people, each] = [100, 10];

/** Megabytes of objects and buffers that are still referenced. */
const usedMegabytes = async (): Promise<number> => {
  for (let round = 0; round < 3; round += 1) {
    await nextTurn();
    collectGarbage();
  }
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
};

/** Subscriptions over raw connections, which cost the least memory in this process. */
const createSubscribers = ({ url }: TestApp) => {
  const { hostname, port } = new URL(url);
  const target = queryTarget('assignments.onTurn', { json: technicians });
  const sockets: Socket[] = [];
  let received = 0;
  const open = async (access: string): Promise<void> => {
    const socket = connect({ host: hostname, port: Number(port) });
    sockets.push(socket);
    socket.write(`GET ${target} HTTP/1.1\r\nhost: a\r\ncookie: access_token=${access}\r\n\r\n`);
    await new Promise<void>((resolve, reject) => {
      socket.on('data', (part) => {
        if (part.includes('serialized-error')) reject(new Error(part.toString()));
        if (part.includes('event: connected')) resolve();
        if (part.includes('"kind":"assigned"')) received += 1;
      });
    });
  };
  return {
    open,
    received: () => received,
    close: () => {
      for (const socket of sockets.splice(0)) socket.destroy();
    },
  };
};

it('1,000 subscriptions need less than 60 MB with their clients, all get each turn, and nothing stays of them', async () => {
  await using app = await startApp({ dialect: 'deployed', env: { RATE_LIMIT_PER_MINUTE: '0' } });
  const opsUrl = await app.listenOps();
  const openCount = async () =>
    /^auth_bff_open_subscriptions (\d+)$/m.exec(await (await fetch(`${opsUrl}/metrics`)).text())?.[1];
  const { trpc } = await browserOf(app, 123);
  const tokens = await Promise.all(crowd(people).map((id) => app.authService.issue({ type: 'staff', id })));
  const subscribers = createSubscribers(app);
  const openAll = async () => {
    for (const { access } of tokens) {
      await Promise.all(Array.from({ length: each }, () => subscribers.open(access ?? '')));
    }
  };
  const closeAll = async () => {
    subscribers.close();
    await vi.waitFor(async () => expect(await openCount()).toBe('0'));
  };
  // The first round also loads and compiles code.
  await openAll();
  await trpc.assignments.next.mutate({ ...technicians, key: 'T-1' });
  await vi.waitFor(() => expect(subscribers.received()).toBe(people * each));
  await closeAll();

  const before = await usedMegabytes();
  await openAll();
  expect(await openCount()).toBe('1000');
  const open = await usedMegabytes();
  await trpc.assignments.next.mutate({ ...technicians, key: 'T-2' });
  await vi.waitFor(() => expect(subscribers.received()).toBe(2 * people * each));
  await closeAll();
  expect(open - before).toBeLessThan(60);
  expect((await usedMegabytes()) - before).toBeLessThan(3);
}, 120_000);
