import { useSession, useTRPC } from '@auth-bff/client/react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { SystemChoice } from '../tickets/system-choice.tsx';
import { devRoutes, type Fault } from './dev-routes.ts';
import { useLab } from './lab-context.tsx';

const troubles = ['none', 'down', 'slow', 'errors'] as const;
type Trouble = (typeof troubles)[number];

const faultOf: Record<Trouble, Fault | null> = {
  none: null,
  down: { kind: 'reset' },
  slow: { kind: 'latency', ms: 1_500 },
  errors: { kind: 'status', status: 500 },
};
const labels: Record<Trouble, string> = { none: 'Healthy', down: 'Down', slow: 'Slow', errors: 'Errors' };
const words: Record<Trouble, string> = {
  none: 'It works normally.',
  down: 'It closes every connection. The BFF answers from its cache, and sessions continue.',
  slow: 'Each response takes 1.5 s. Cached data is served at once.',
  errors: 'Every request gets a 500. The BFF answers from its cache.',
};

const troubleOf = (fault: Fault | null): Trouble => {
  if (fault === null) return 'none';
  if (fault.kind === 'latency') return 'slow';
  return fault.kind === 'status' ? 'errors' : 'down';
};

const pause = (ms: number) => new Promise((resolve) => void setTimeout(resolve, ms));
/** `status.get` asks the Auth Service only if the last call is 5 s old. */
const statusAgeSeconds = 6;

/**
 * Makes the page notice the change, as the next call of a person would: by a call that no cache answers; without a session,
 * by the next status that is not older than the change.
 */
const useProbe = () => {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const { state } = useSession();
  return async () => {
    if (state === 'signed_in') {
      await queryClient
        .fetchQuery(trpc.session.validate.queryOptions(undefined, { staleTime: 0, retry: false }))
        .catch(() => null);
    }
    for (let seconds = 0; seconds < statusAgeSeconds; seconds += 1) {
      await queryClient.invalidateQueries(trpc.status.pathFilter());
      await pause(1_000);
    }
  };
};

/** Simulates faults of the embedded Auth Service, for all users. */
export const TroublePanel = () => {
  const { queryClient } = useLab();
  const probe = useProbe();
  /** Until the query has data. */
  const [chosen, setChosen] = useState<Trouble | null>(null);
  const { data: fault = null } = useQuery(
    { queryKey: ['fault'], queryFn: devRoutes.fault, refetchInterval: 3_000 },
    queryClient,
  );
  const set = useMutation(
    {
      mutationFn: (trouble: Trouble) => devRoutes.setFault(faultOf[trouble]),
      onSuccess: () => void probe(),
      onSettled: async () => {
        await queryClient.invalidateQueries({ queryKey: ['fault'] });
        setChosen(null);
      },
    },
    queryClient,
  );
  const choose = (next: Trouble) => {
    setChosen(next);
    set.mutate(next);
  };
  const trouble = chosen ?? troubleOf(fault);
  return (
    <section className="card" aria-labelledby="trouble-title">
      <header className="card-head">
        <h2 id="trouble-title">Break the Auth Service</h2>
      </header>
      <SystemChoice
        legend="State of the Auth Service"
        name="trouble"
        choices={troubles}
        labelOf={(choice) => labels[choice]}
        value={trouble}
        onChange={choose}
      />
      <p className="sub trouble-words" role="status">
        {set.isError ? 'The state could not be changed. Try again.' : words[trouble]}
      </p>
    </section>
  );
};
