import { useTRPCClient } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Icon } from '../desk/icon.tsx';
import { askMany } from './ask-many.ts';
import { devRoutes } from './dev-routes.ts';
import { useCounts } from './use-counts.ts';
import { useDeskConfig } from './use-desk-config.ts';
import { useLab } from './lab-context.tsx';
import { useSecondsLeft } from './use-seconds-left.ts';
import { useWatched } from './use-watched.ts';

const clockOf = (seconds: number) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;

/** Shows the session's remaining time, its refreshes, and the effect of an expired token on calls. */
export const SessionPanel = () => {
  const trpc = useTRPCClient();
  const { queryClient } = useLab();
  const secondsLeft = useSecondsLeft();
  const lifetime = useDeskConfig()?.accessLifetimeSeconds ?? 900;
  const { refreshes } = useWatched();
  const counts = useCounts();
  const [rounds, setRounds] = useState(0);
  const ask = useMutation(
    {
      mutationFn: async ({ expire, round }: { expire: boolean; round: number }) => {
        if (expire) await devRoutes.expire();
        return { round, ...(await askMany(trpc)) };
      },
      onSettled: () => queryClient.invalidateQueries({ queryKey: ['counts'] }),
    },
    queryClient,
  );
  const askIn = ({ expire }: { expire: boolean }) => {
    setRounds(rounds + 1);
    ask.mutate({ expire, round: rounds + 1 });
  };
  const left = secondsLeft === null ? 0 : Math.min(1, secondsLeft / lifetime);

  return (
    <section className="card" aria-labelledby="session-title">
      <header className="card-head">
        <h2 id="session-title">Session</h2>
        <a className="button quiet" href="/" target="_blank" rel="noopener">
          <Icon name="tab" />
          Second tab
        </a>
      </header>
      <div className="life">
        <p>
          <span className="life-left" role="timer" aria-label="Time left">
            {secondsLeft === null ? '–:––' : clockOf(secondsLeft)}
          </span>
          <span className="sub">until the token expires</span>
        </p>
        <span className="life-bar" aria-hidden="true">
          <span style={{ transform: `scaleX(${left})` }} />
        </span>
      </div>
      <dl className="facts">
        <div>
          <dt>refreshes, in all</dt>
          <dd data-testid="refreshes">{counts?.refreshes ?? '–'}</dd>
        </div>
        <div>
          <dt>by this tab</dt>
          <dd data-testid="own-refreshes">{refreshes}</dd>
        </div>
      </dl>
      <div className="lab-actions">
        <button type="button" className="quiet" onClick={() => askIn({ expire: true })} aria-busy={ask.isPending}>
          Expire the token, send 20 calls
        </button>
        <button type="button" className="quiet" onClick={() => askIn({ expire: false })} aria-busy={ask.isPending}>
          Send 20 calls
        </button>
      </div>
      <p className="sub lab-outcome" role="status">
        {ask.isPending
          ? 'Sending…'
          : ask.isError
            ? 'The access token could not be removed.'
            : ask.data
              ? `Round ${ask.data.round}: ${ask.data.answered} of ${ask.data.of} answered in ${ask.data.ms} ms`
              : 'One refresh serves all waiting calls.'}
      </p>
    </section>
  );
};
