import type { Cluster, Redis } from 'ioredis';

/** The connections that commands are written to: in a cluster, one to each master. Undefined: not connected yet. */
const streamsOf = (redis: Redis | Cluster): Array<Redis['stream'] | undefined> =>
  'nodes' in redis ? redis.nodes('master').map(({ stream }) => stream) : [redis.stream];

/** Holds back all writes, until the function that it returns writes them in one system call. */
const holdWrites = (redis: Redis | Cluster): (() => void) => {
  const streams = streamsOf(redis);
  for (const stream of streams) stream?.cork();
  return () => {
    for (const stream of streams) stream?.uncork();
  };
};

/** Writes the commands that `send` sends in one system call. */
export const writeTogether = (redis: Redis | Cluster, send: () => void): void => {
  const write = holdWrites(redis);
  send();
  write();
};

/** Writes all commands of one turn of the event loop in one system call, which costs more than a command does. */
export const createWriteBatching = (redis: Redis | Cluster) => {
  /** Called once the commands of this turn are written. Null: no command was sent in this turn. */
  let callbacks: Array<() => void> | null = null;

  /** Holds back the writes of this turn until its end, then calls `onWritten`. */
  return (onWritten: () => void = () => {}): void => {
    if (callbacks !== null) {
      callbacks.push(onWritten);
      return;
    }
    const ofThisTurn = [onWritten];
    callbacks = ofThisTurn;
    const write = holdWrites(redis);
    setImmediate(() => {
      callbacks = null;
      write();
      for (const callback of ofThisTurn) callback();
    });
  };
};
