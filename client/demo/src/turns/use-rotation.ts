import { useTRPC } from '@auth-bff/client/react';
import { useQuery } from '@tanstack/react-query';
import { roleOf } from '../tickets/roles.ts';
import type { System } from '../tickets/ticket-service.ts';
import type { LiveState } from './use-live-turns.ts';

/** The stream reports turns only. Another person's leave shows with the next turn, or after a minute. */
const leaveIntervalMs = 60_000;

/** The people of a system in the order of their turns. Polled with the other queries while its stream is not open. */
export const useRotation = (system: System, live: LiveState) =>
  useQuery(
    useTRPC().assignments.rotation.queryOptions(
      { system, role: roleOf[system] },
      { meta: { live: live === 'live' }, refetchInterval: live === 'live' ? leaveIntervalMs : false },
    ),
  );
