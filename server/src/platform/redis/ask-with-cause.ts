import { toRedisCause } from './redis-errors.ts';
import type { RedisGuard } from './redis-guard.ts';

/** `reply`: null if Redis rejected the command or did not reply. `errorReply`: why it rejected it. */
export type ReplyWithCause<Reply> = { reply: Reply | null; errorReply: string | null };

/** Runs a command as `ask` does, and tells why Redis rejected it. Never rejects. */
export const askWithCause = async <Reply extends object | string | number>(
  { ask }: Pick<RedisGuard, 'ask'>,
  command: () => Promise<Reply>,
  options: Parameters<RedisGuard['ask']>[1],
): Promise<ReplyWithCause<Reply>> => {
  let errorReply: string | null = null;
  const reply = await ask(
    () =>
      command().catch((error: Error) => {
        if (error.name === 'ReplyError') errorReply = toRedisCause(error.message);
        throw error;
      }),
    options,
  );
  return { reply, errorReply };
};
