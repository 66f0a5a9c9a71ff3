import { Icon } from './icon.tsx';
import { useCountdown } from './use-countdown.ts';
import { type Failing, useFailing } from './use-failing.ts';

const Banner = ({ dueAtMs, isNetwork, retry }: Failing) => {
  const seconds = useCountdown(dueAtMs, retry);
  return (
    <>
      <Icon name="wrench" />
      <p className="banner-words">
        <strong>{isNetwork ? 'No connection' : 'Under maintenance'}</strong> What you see stays.
      </p>
      {/* Each second read aloud would be a nuisance. */}
      <p className="banner-count" aria-live="off">
        {dueAtMs === null || seconds === 0 ? 'Asking again…' : `Next try in ${seconds} s`}
      </p>
      <button type="button" className="quiet" onClick={retry} disabled={dueAtMs === null}>
        Try now
      </button>
    </>
  );
};

/** Over the page's lower edge, so that nothing moves: what cannot be answered is asked for again by itself. */
export const MaintenanceBanner = () => {
  const failing = useFailing();
  return (
    <div className="banner-place" role="status" data-shown={failing !== null || undefined}>
      {failing === null ? null : (
        <div className="banner">
          <Banner {...failing} />
        </div>
      )}
    </div>
  );
};
