import { setMaxListeners } from 'node:events';
import type { FastifyReply } from 'fastify';
import { AppError } from '../../errors.ts';

/**
 * Calls `onEnd` once with whether the whole response was handed to the network; false if the connection ended before.
 * `writableFinished` does not tell: it becomes true even if the last bytes were dropped with the connection.
 */
export const onResponseEnd = ({ raw, request }: FastifyReply, onEnd: (isSent: boolean) => void): void => {
  if (raw.closed) return onEnd(false);
  const { socket } = request.raw;
  let hasEnded = false;
  const endOnce = (isSent: boolean): void => {
    if (hasEnded) return;
    hasEnded = true;
    onEnd(isSent);
  };
  // Prepended: Node's own `finish` listener destroys the socket of a connection that is not kept alive.
  raw.prependOnceListener('finish', () => endOnce(!socket.destroyed));
  raw.once('close', () => endOnce(false));
};

/** Aborts when the client disconnects before it has its response, so that upstream calls made only for it can stop. */
const createDisconnectSignal = ({ raw }: FastifyReply): AbortSignal => {
  const controller = new AbortController();
  // Each call of a batch and each id of a call adds a listener.
  setMaxListeners(0, controller.signal);
  const onClose = () => {
    if (!raw.writableFinished) {
      controller.abort(new AppError('auth_service_unavailable', { cause: 'the client disconnected' }));
    }
  };
  if (raw.closed) onClose();
  else raw.once('close', onClose);
  return controller.signal;
};

/** The signal of a request, created on first use: most responses come from the cache and never need it. */
export const disconnectSignalOf = (reply: FastifyReply): (() => AbortSignal) => {
  let signal: AbortSignal | null = null;
  return () => {
    signal ??= createDisconnectSignal(reply);
    return signal;
  };
};
