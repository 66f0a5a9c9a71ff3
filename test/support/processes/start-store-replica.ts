import { spawn } from 'node:child_process';
import { programArgs, root } from './run-process.ts';
import type { StoreOperation, StoreReply } from './store-replica.ts';

export type StoreReplicaOptions = { url: string; prefix: string; sealingSecret: string };

type Waiting = { resolve: (result: unknown) => void; reject: (error: Error) => void };

/** A process with a Redis store of its own. Operations reject if it has died, or after its Redis was down. */
export const startStoreReplica = ({ url, prefix, sealingSecret }: StoreReplicaOptions) => {
  const child = spawn(process.execPath, programArgs(['test/support/processes/store-replica.ts']), {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { PATH: process.env.PATH ?? '', REDIS_URL: url, REDIS_PREFIX: prefix, SEALING_KEY: sealingSecret },
  });
  const waiting = new Map<number, Waiting>();
  let isAlive = true;
  let number = 0;
  const ready = new Promise((resolve, reject) => waiting.set(0, { resolve, reject }));
  child.on('message', ({ number: of, ...reply }: StoreReply) => {
    const call = waiting.get(of);
    waiting.delete(of);
    if ('result' in reply) call?.resolve(reply.result);
    else call?.reject(new Error('The operation failed.'));
  });
  const died = () => new Error('The process has died.');
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve())).then(() => {
    isAlive = false;
    for (const { reject } of waiting.values()) reject(died());
    waiting.clear();
  });

  return {
    ready,
    isAlive: () => isAlive,
    run: (operation: StoreOperation): Promise<unknown> =>
      new Promise((resolve, reject) => {
        if (!isAlive) return reject(died());
        number += 1;
        waiting.set(number, { resolve, reject });
        // If the process dies with the message, its exit rejects.
        child.send({ number, operation }, () => {});
      }),
    kill(): void {
      isAlive = false;
      child.kill('SIGKILL');
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
};

export type StoreReplica = ReturnType<typeof startStoreReplica>;
