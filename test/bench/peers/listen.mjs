/**
 * Reports the port to the parent process. Replies to the message `retained` with the bytes in use after garbage collection
 * (needs `--expose-gc`), and ignores other messages. Exits with the parent.
 */
export const reportPort = (port) => {
  process.send?.({ port });
  process.on('message', (message) => {
    if (message !== 'retained') return;
    for (let turn = 0; turn < 3; turn += 1) globalThis.gc();
    const { heapUsed, external } = process.memoryUsage();
    process.send(heapUsed + external);
  });
  process.on('disconnect', () => process.exit(0));
};

export const signingKey = process.env.DJANGO_JWT_SIGNING_KEY;

/** The users by id, in the shape that the BFF returns. */
export const users = new Map(JSON.parse(process.env.BENCH_USERS ?? '[]').map((user) => [user.id, user]));
