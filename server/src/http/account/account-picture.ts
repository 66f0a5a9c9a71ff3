import { accountPicturePath } from '@auth-bff/shared';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import type { Pictures } from '../../account/pictures.ts';
import type { Context } from '../../api/context.ts';
import { admitPerson } from '../../api/middlewares.ts';
import { asAppError } from '../../errors.ts';
import { disconnectSignalOf } from '../lifecycle/response-end.ts';
import { sendProblem } from '../rest/problem.ts';
import { refuseOtherMethods } from '../rest/refuse-other-methods.ts';
import { registerRestErrors, type RestErrorsOptions } from '../rest/rest-errors.ts';
import type { TrpcOptions } from '../trpc/options.ts';
import { withPicture } from './read-picture.ts';
import { namedPlugin } from '../named-plugin.ts';

export type AccountPictureOptions = Pick<TrpcOptions, 'createContext' | 'onError'> & {
  pictures: Pictures;
  /** Called for each request that is rejected before its session is read. */
  onRejected: RestErrorsOptions['onError'];
};

/** The name in metrics, logs and audit lines, in place of a procedure's. */
const name = 'account.picture';
const methods: HTTPMethods[] = ['PUT', 'DELETE'];

/** The picture is a part of the profile: the policy admits the same callers as to this procedure. */
const sameAs = 'account.updateProfile';

/** Serves `/bff/account/picture`: the body of a `PUT` is the image itself. Errors are problems, as over REST. */
export const registerAccountPicture = async (
  server: FastifyInstance,
  options: AccountPictureOptions,
): Promise<void> => {
  const { pictures, createContext, onError, onRejected } = options;

  const change = async (ctx: Context, request: FastifyRequest, reply: FastifyReply) => {
    const { caller } = await admitPerson(ctx, sameAs);
    const upstreamCaller = { ...caller, signal: disconnectSignalOf(reply)() };
    return pictures.limit(caller, () =>
      request.method === 'DELETE'
        ? pictures.set(null, upstreamCaller)
        : withPicture(request.raw, (picture) => pictures.set(picture, upstreamCaller)),
    );
  };

  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const ctx = createContext(request, reply, { callsInRequest: 1, isStreamed: false, procedures: [name] });
    const { monotonicNow, onCall } = ctx.request;
    const startedAtMs = monotonicNow();
    try {
      const profile = await change(ctx, request, reply);
      onCall(name, null, monotonicNow() - startedAtMs);
      reply.type('application/json; charset=utf-8').header('cache-control', 'no-store').send(JSON.stringify(profile));
    } catch (thrown) {
      const error = asAppError(thrown);
      onCall(name, error.reason, monotonicNow() - startedAtMs);
      onError(error, request, name);
      sendProblem(request, reply, error);
    }
  };

  await server.register(
    namedPlugin('account-picture', async (scope) => {
      registerRestErrors(scope, { onError: onRejected });
      scope.route({
        method: methods,
        url: accountPicturePath,
        // Before the body is parsed: it is read as it arrives, and its first bytes decide, not its Content-Type.
        preParsing: (request, reply) => void answer(request, reply),
        handler: () => {},
      });
      refuseOtherMethods(scope, accountPicturePath, methods);
    }),
  );
};
