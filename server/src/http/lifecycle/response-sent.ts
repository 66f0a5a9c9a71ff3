import type { FastifyReply } from 'fastify';

/**
 * Tells once whether the whole response was handed to the network. False: the connection ended before. Not
 * `writableFinished`: that becomes true also for a response whose last bytes were dropped with the connection.
 */
export const onceAnswered = ({ raw, request }: FastifyReply, tell: (isAnswered: boolean) => void): void => {
  if (raw.closed) return tell(false);
  const { socket } = request.raw;
  let isTold = false;
  const tellOnce = (isAnswered: boolean): void => {
    if (isTold) return;
    isTold = true;
    tell(isAnswered);
  };
  // Before Node's own listener, which ends a connection that is not kept.
  raw.prependOnceListener('finish', () => tellOnce(!socket.destroyed));
  raw.once('close', () => tellOnce(false));
};
