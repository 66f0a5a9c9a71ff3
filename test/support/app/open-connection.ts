import { connect } from 'node:net';
import { capture } from '../output/captured.ts';

/** A raw TCP connection that the test writes to. It stays open until one side ends it. */
export const openConnection = async (url: string) => {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  let read = '';
  let isClosed = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const check of waiting) check();
  };
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    read += chunk;
    wake();
  });
  // A connection reset counts as the end.
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
    /** Resolves with everything received, once the other side has ended the connection. */
    closed,
    send: (...lines: string[]): void => void socket.write(lines.join('\r\n')),
    /** Resolves with the received text once it contains `pattern` `times` times. Rejects if the connection ends before. */
    received: (pattern: RegExp, times = 1) =>
      new Promise<string>((resolve, reject) => {
        const check = () => {
          const isThere = (read.match(new RegExp(pattern, 'g')) ?? []).length >= times;
          if (!isThere && !isClosed) return;
          waiting.delete(check);
          if (isThere) resolve(read);
          else reject(new Error(`The connection ended without ${pattern}:\n${read}`));
        };
        waiting.add(check);
        check();
      }),
    [Symbol.dispose]: () => void socket.destroy(),
  };
};
