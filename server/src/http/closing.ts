import type { FastifyInstance } from 'fastify';

/** While the server closes, each answer ends its connection: a browser would keep it open for a minute, and the process with it. */
export const registerClosing = (server: FastifyInstance): void => {
  let isClosing = false;
  server.addHook('preClose', async () => {
    isClosing = true;
  });
  server.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close');
  });
};
