import { directoryStaleHeader } from '@auth-bff/shared';
import { createContext, type ContextOptions } from '../../api/context.ts';
import type { LiveStreams, OpenStreamOptions } from '../../live/live-streams.ts';
import { withoutPositions } from '../../live/stream-position.ts';
import type { Audit } from '../../platform/audit.ts';
import type { Platform } from '../../platform/platform.ts';
import type { FastifyRequest } from 'fastify';
import { disconnectSignalOf } from '../lifecycle/response-end.ts';
import { idempotencyKeyOf } from '../plugins/idempotency-key.ts';
import { clientAddressOf } from '../plugins/client-address.ts';
import { toCause } from '../plugins/request-tokens.ts';
import type { ServiceLookup } from '../plugins/service-key.ts';
import type { SessionBinding } from '../session-binding.ts';
import type { RequestTelemetry } from '../telemetry/request-telemetry.ts';
import type { TrpcOptions } from './options.ts';

export type ContextFactoryOptions = Pick<
  ContextOptions,
  'directory' | 'account' | 'assignments' | 'turnAdministration' | 'membership' | 'serviceAccount' | 'status' | 'charge'
> & {
  openStream: LiveStreams['open'];
  platform: Platform;
  audit: Audit;
  telemetry: RequestTelemetry;
  sessionOf: SessionBinding;
  serviceOf: ServiceLookup;
  /** Called when the request begins a stream, whose answer takes as long as its client listens. */
  onStream: (request: FastifyRequest) => void;
};

/** Creates the tRPC context of each request. */
export const createContextFactory = (options: ContextFactoryOptions): TrpcOptions['createContext'] => {
  const { platform, audit, telemetry, sessionOf, serviceOf, directory, account, assignments, membership } = options;
  const { turnAdministration, serviceAccount, status, charge, openStream, onStream } = options;
  const { isDevelopment, assignmentRoles } = platform.config;
  const { monotonicNow } = platform;

  return (request, reply, { procedures, callsInRequest, isStreamed, sendsPositions = false }) => {
    if (request.record !== null) {
      request.record.procedures = procedures;
      request.record.calls = callsInRequest;
    }
    return createContext({
      requestId: request.id,
      address: clientAddressOf(request),
      isDevelopment,
      callsInRequest,
      isStreamed,
      monotonicNow,
      onCall: (procedure, failure, durationMs) => {
        telemetry.recordCall(request, procedure, failure, durationMs);
        if (failure !== 'insufficient_permissions') return;
        const { person = null, service = null } = request.record ?? {};
        audit.write({ audit: 'permission_denied', procedure, person, service }, toCause(request));
      },
      directory,
      account,
      assignments,
      turnAdministration,
      assignmentRoles,
      membership,
      status,
      openStream: <Event>(stream: OpenStreamOptions<Event>) => {
        const items = openStream(stream);
        onStream(request);
        return sendsPositions ? (items as AsyncIterable<Event>) : withoutPositions(items);
      },
      charge,
      idempotencyKey: () => idempotencyKeyOf(request),
      getDisconnectSignal: disconnectSignalOf(reply),
      onStale: () => {
        // A streamed response has sent its headers by then.
        if (!reply.raw.headersSent) reply.header(directoryStaleHeader, '1');
      },
      requestSession: sessionOf(request, reply),
      service: serviceOf(request),
      serviceAccount,
    });
  };
};
