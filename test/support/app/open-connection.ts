import { connect } from 'node:net';
import { capture } from '../output/captured.ts';

/** A connection that is sent what a test says, and kept open until one side ends it. */
export const openConnection = async (url: string) => {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  let read = '';
  let isClosed = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of waiting) look();
  };
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    read += chunk;
    wake();
  });
  // A reset is an end like any other.
  socket.on('error', () => {});
  const closed = new Promise<string>((resolve) => {
    socket.once('close', () => {
      isClosed = true;
      capture('answer', read);
      resolve(read);
      wake();
    });
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });

  return {
    socket,
    /** Everything that came, once the other side has ended the connection. */
    closed,
    send: (...lines: string[]): void => void socket.write(lines.join('\r\n')),
    /** Resolves with what has come once it holds `pattern` so often. Rejects where the connection ends without. */
    received: (pattern: RegExp, times = 1) =>
      new Promise<string>((resolve, reject) => {
        const look = () => {
          const isThere = (read.match(new RegExp(pattern, 'g')) ?? []).length >= times;
          if (!isThere && !isClosed) return;
          waiting.delete(look);
          if (isThere) resolve(read);
          else reject(new Error(`The connection ended without ${pattern}:\n${read}`));
        };
        waiting.add(look);
        look();
      }),
    [Symbol.dispose]: () => void socket.destroy(),
  };
};

export type OpenConnection = Awaited<ReturnType<typeof openConnection>>;
