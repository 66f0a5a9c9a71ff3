import { useMutation } from '@tanstack/react-query';
import { Facts } from '../desk/facts.tsx';
import { devRoutes } from './dev-routes.ts';
import { useLab } from './lab-context.tsx';
import { useCounts } from './use-counts.ts';
import { useWatched } from './use-watched.ts';

const many = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;
const inWords = ({ calls, requests }: { calls: number; requests: number }) =>
  `${many(calls, 'call')}, ${many(requests, 'request')}`;

/** Counts the requests of this page. */
export const RequestsPanel = () => {
  const { queryClient } = useLab();
  const { requests, calls, names } = useWatched();
  const counts = useCounts();
  const reset = useMutation(
    { mutationFn: devRoutes.resetCounts, onSettled: () => queryClient.invalidateQueries({ queryKey: ['counts'] }) },
    queryClient,
  );
  const facts = [
    ['Names shown', inWords(names)],
    ['This tab', inWords({ calls, requests })],
    ['Requests to the BFF', counts?.bff ?? '–'],
    ['Requests to the Auth Service', counts?.upstream ?? '–'],
  ] as const;
  return (
    <section className="card" aria-labelledby="requests-title">
      <header className="card-head">
        <h2 id="requests-title">Requests</h2>
        <button type="button" className="quiet" onClick={() => reset.mutate()}>
          Reset
        </button>
      </header>
      <Facts facts={facts} />
    </section>
  );
};
