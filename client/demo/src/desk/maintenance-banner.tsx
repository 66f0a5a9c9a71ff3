import { Icon } from './icon.tsx';
import { useCountdown } from './use-countdown.ts';
import { type Failing, useFailing } from './use-failing.ts';

const Banner = ({ dueAtMs, isNetwork, retry }: Failing) => {
  const seconds = useCountdown(dueAtMs, retry);
  return (
    <>
      <Icon name="wrench" />
      <p className="banner-words">
        <strong>{isNetwork ? "Can't reach the server." : 'Under maintenance.'}</strong> Retrying automatically. What you
        see is kept.
      </p>
      {/* Each second read aloud would be a nuisance. */}
      <p className="banner-count" aria-live="off">
        {dueAtMs === null || seconds === 0 ? 'Retrying…' : `Retrying in ${seconds} s`}
      </p>
      <button type="button" className="quiet" onClick={retry} disabled={dueAtMs === null}>
        Try now
      </button>
    </>
  );
};

/** Shown over the lower edge of the page while queries fail, so that the layout does not move. */
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
