import type { FastifyInstance } from 'fastify';
import { isLogLevel, type LogLevelControl, logLevels } from '../../platform/log-level.ts';

const maxBodyBytes = 1_024;

const invalidLevel = (): Error =>
  Object.assign(
    new Error(`Expected a log level as the body: ${logLevels.join(', ')}. For example: curl -X PUT -d debug`),
    {
      statusCode: 400,
    },
  );

/** `GET` and `PUT /log-level`. Only for the operator's listener, because a caller can turn the log off. */
export const registerLogLevel = (ops: FastifyInstance, { current, set }: LogLevelControl): void => {
  void ops.register(async (scope) => {
    // The body is text whatever its content type: `curl -d` sends that of a form.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: maxBodyBytes }, (_request, body, done) =>
      done(null, body),
    );
    scope.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'));
    scope.get('/log-level', async () => current());
    scope.put('/log-level', { bodyLimit: maxBodyBytes }, async ({ body }) => {
      const level = typeof body === 'string' ? body.trim().toLowerCase() : '';
      if (!isLogLevel(level)) throw invalidLevel();
      return set(level);
    });
  });
};
