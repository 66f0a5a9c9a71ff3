import { setMaxListeners } from 'node:events';
import type { FastifyReply } from 'fastify';
import { AppError } from '../../errors.ts';

/** Aborts when the client hangs up before it has its answer: what is asked for nobody else need not be asked any more. */
const createLeftSignal = ({ raw }: FastifyReply): AbortSignal => {
  const left = new AbortController();
  // Each call of a batch, and each id of a call, listens.
  setMaxListeners(0, left.signal);
  const onClose = () => {
    if (!raw.writableFinished) left.abort(new AppError('auth_service_unavailable', { cause: 'the client left' }));
  };
  if (raw.closed) onClose();
  else raw.once('close', onClose);
  return left.signal;
};

/** The signal, made when it is first asked for: most answers come from memory, and nothing waits for them. */
export const leftSignalOf = (reply: FastifyReply): (() => AbortSignal) => {
  let signal: AbortSignal | null = null;
  return () => {
    signal ??= createLeftSignal(reply);
    return signal;
  };
};
