/** Tells the process that started this one where it listens, and what it keeps in memory; ends with it. */
export const reportPort = (port) => {
  process.send?.({ port });
  process.on('message', () => {
    for (let turn = 0; turn < 3; turn += 1) globalThis.gc();
    const { heapUsed, external } = process.memoryUsage();
    process.send(heapUsed + external);
  });
  process.on('disconnect', () => process.exit(0));
};

export const signingKey = process.env.DJANGO_JWT_SIGNING_KEY;

/** The user that all peers tell of, by id, as the BFF does. */
export const users = new Map(JSON.parse(process.env.BENCH_USERS ?? '[]').map((user) => [user.id, user]));
