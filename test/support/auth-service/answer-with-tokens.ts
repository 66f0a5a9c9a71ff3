import type { Fault } from '../../../server/dev/auth-service/auth-service.ts';

/** A fault that replaces the tokens in the cookies of a response. */
export const answerWithTokens = ({ access, refresh }: { access: string; refresh: string }): Fault => ({
  kind: 'transform',
  answer: ({ headers, ...answer }) => ({
    ...answer,
    headers: { ...headers, 'set-cookie': [`access_token=${access}`, `refresh_token=${refresh}`] },
  }),
});
