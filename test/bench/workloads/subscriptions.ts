import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from '../report.ts';
import { requestText, type SetUp, trpcPath } from '../set-up.ts';
import { startPeer } from '../start-peer.ts';
import { atMost, median } from '../statistics.ts';

export type SubscriptionsOptions = { setUp: SetUp; report: Report; rounds: number };

const rotation = { system: 'TTS', role: 'Technician' };
/** Each has as many subscriptions as a person may have. */
const [people, each] = [100, 10];
/** Generated people of the embedded Auth Service. */
const firstPersonId = 2_000_001;

/** Opens subscriptions to turns, and resolves with the time at which each of them has received the next turn. */
const createSubscribers = (port: number) => {
  const sockets: Socket[] = [];
  let received = 0;
  let onAll = () => {};
  const open = async (cookie: string): Promise<void> => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.write(requestText(trpcPath('assignments.onTurn', rotation), { cookie }));
    const [head] = (await once(socket, 'data')) as [Buffer];
    if (head.includes('serialized-error')) throw new Error(head.toString());
    socket.on('data', (part: Buffer) => {
      if (part.includes('serialized-error')) throw new Error(part.toString());
      if (part.includes('"kind":"assigned"')) received += 1;
      if (received === sockets.length) onAll();
    });
  };
  return {
    open,
    /** Resolves when all have received the next turn. */
    allReceive: (): Promise<void> => {
      received = 0;
      return new Promise((resolve) => {
        onAll = resolve;
      });
    },
    close: () => {
      for (const socket of sockets.splice(0)) socket.destroy();
    },
  };
};

const assign = async (port: number, cookie: string): Promise<void> => {
  const headers = { cookie, 'content-type': 'application/json', 'x-csrf': '1' };
  const sent = request({ port, path: '/trpc/assignments.next', method: 'POST', headers });
  sent.end(JSON.stringify({ json: rotation }));
  const [response] = await once(sent, 'response');
  response.resume();
};

/** Measures the memory of 1,000 open subscriptions of one process, and how soon all of them have a turn. */
export const measureSubscriptions = async ({ setUp, report, rounds }: SubscriptionsOptions): Promise<void> => {
  const { authService, cookie, env } = setUp;
  using peer = await startPeer({ script: 'bff.mjs', env, execArgv: ['--expose-gc'] });
  const ids = Array.from({ length: people }, (_, index) => firstPersonId + index);
  const cookies = await Promise.all(
    ids.map(async (id) => `access_token=${(await authService.issue({ type: 'staff', id })).access}`),
  );
  const subscribers = createSubscribers(peer.port);
  const openAll = async () => {
    for (const one of cookies) await Promise.all(Array.from({ length: each }, () => subscribers.open(one)));
  };
  // The first round also loads and compiles code.
  await openAll();
  await assign(peer.port, cookie);
  subscribers.close();
  // The BFF has then freed them.
  await sleep(1_000);

  const before = await peer.retainedBytes();
  await openAll();
  const bytes = (await peer.retainedBytes()) - before;
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const all = subscribers.allReceive();
    const startedAtMs = performance.now();
    await assign(peer.port, cookie);
    await all;
    times.push(performance.now() - startedAtMs);
  }
  subscribers.close();
  const section = report.section('1,000 open subscriptions of one process');
  section.verdict(atMost('memory after garbage collection, MB', bytes / 1e6, 60));
  section.verdict(atMost('from assignments.next until all have the turn, ms (median)', median(times), 250));
};
