import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestText, trpcPath } from '../set-up.ts';

export type DeskPerson = { id: number; cookie: string };
type Call = readonly [procedure: string, input: unknown, kind: 'query' | 'mutation'];

const rotation = { system: 'TTS', role: 'Technician' };
const subscriptions = [
  ['assignments.onTurn', rotation],
  ['session.onEnd', undefined],
] as const;
/** Coprime to the number of calls of a minute, so that each call has its turn. */
const stride = 7_919;

/** What a person at a desk calls in a minute. One in ten gives a turn, which everybody's page receives. */
const minuteOf = (id: number): Call[] => [
  ...[1, 5, 12, 23, 123, id].map((user): Call => ['users.byId', { id: user }, 'query']),
  ...[1, 2, 3].map((): Call => ['assignments.candidates', rotation, 'query']),
  ['session.current', undefined, 'query'],
  ['status.get', undefined, 'query'],
  id % 10 === 0
    ? ['assignments.next', { ...rotation, key: `T-${id}` }, 'mutation']
    : ['assignments.peek', rotation, 'query'],
];

/** People at a desk, each with two open subscriptions and twelve calls a minute. */
export const createDeskPeople = ({ port, people }: { port: number; people: readonly DeskPerson[] }) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  const streams: Socket[] = [];

  /** Resolves with the milliseconds until the whole response has arrived. */
  const send = async (cookie: string, [procedure, input, kind]: Call): Promise<number> => {
    const startedAtMs = performance.now();
    const headers = { cookie, 'sec-fetch-site': 'same-origin' };
    const sent =
      kind === 'query'
        ? request({ agent, port, path: trpcPath(procedure, input), headers }).end()
        : request({
            agent,
            port,
            path: `/trpc/${procedure}`,
            method: 'POST',
            headers: { ...headers, 'content-type': 'application/json', 'x-csrf': '1' },
          }).end(JSON.stringify({ json: input }));
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const body = await text(response);
    if (response.statusCode !== 200) throw new Error(`${procedure} answers ${response.statusCode}: ${body}`);
    return performance.now() - startedAtMs;
  };

  return {
    /** Opens the subscriptions, and loads everybody once. */
    async arrive(): Promise<void> {
      for (const { id, cookie } of people) {
        for (const [path, input] of subscriptions) {
          const socket = connect(port, '127.0.0.1');
          streams.push(socket);
          socket.write(requestText(trpcPath(path, input), { cookie }));
          await once(socket, 'data');
          socket.resume();
        }
        await send(cookie, ['users.byId', { id }, 'query']);
      }
    },

    /** Calls at an even rate. Resolves with the milliseconds of each call. */
    async work(forMs: number): Promise<number[]> {
      const calls = people.flatMap(({ id, cookie }) => minuteOf(id).map((call) => ({ cookie, call })));
      const everyMs = 60_000 / calls.length;
      const startedAtMs = performance.now();
      const times: Array<Promise<number>> = [];
      for (let index = 0; index * everyMs < forMs; index += 1) {
        const aheadMs = index * everyMs - (performance.now() - startedAtMs);
        if (aheadMs > 1) await sleep(aheadMs);
        const next = calls[(index * stride) % calls.length];
        if (next !== undefined) times.push(send(next.cookie, next.call));
      }
      return Promise.all(times);
    },

    leave(): void {
      for (const stream of streams.splice(0)) stream.destroy();
      agent.destroy();
    },
  };
};
