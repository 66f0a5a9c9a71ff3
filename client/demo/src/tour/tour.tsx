import { useEffect, useRef } from 'react';
import { Icon } from '../desk/icon.tsx';
import { deskSteps, signInStep } from './tour-steps.ts';
import { dismissTour, goToStep, useTour } from './tour-store.ts';

/** Null: nobody is signed in. */
type TourProps = { person: 'staff' | 'employee' | null };

/** Things to try, one at a time. The first one is the sign-in. */
export const Tour = ({ person }: TourProps) => {
  const { step, isDismissed, isAskedFor } = useTour();
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!isDismissed && isAskedFor) title.current?.focus();
  }, [isDismissed, isAskedFor]);
  if (isDismissed) return null;

  const steps = deskSteps.filter(({ only }) => person === null || only === undefined || only === person);
  const index = Math.min(step, steps.length - 1);
  const shown = person === null ? null : (steps[index] ?? null);
  const place = shown === null ? 1 : index + 2;
  const count = steps.length + 1;
  const isLast = place === count;
  return (
    <aside className="tour" aria-labelledby="tour-title">
      <div className="tour-head">
        <h2 id="tour-title" ref={title} tabIndex={-1}>
          Two-minute tour
        </h2>
        <span className="sub">
          Step {place} of {count}
        </span>
      </div>
      <button type="button" className="icon-button tour-close" aria-label="Close the tour" onClick={dismissTour}>
        <Icon name="close" />
      </button>
      <p className="tour-step" role="status">
        <strong>{(shown ?? signInStep).title}.</strong> {(shown ?? signInStep).text}
      </p>
      {shown === null ? null : (
        <div className="tour-actions">
          <a className="button quiet tour-link" href={`#${shown.where}`}>
            Show me
          </a>
          <button
            type="button"
            className="quiet"
            // Not `disabled`: the button would lose the focus at the first step.
            aria-disabled={index === 0}
            onClick={() => goToStep(Math.max(0, index - 1))}
          >
            Back
          </button>
          <button
            type="button"
            className="quiet tour-next"
            onClick={() => (isLast ? dismissTour() : goToStep(index + 1))}
          >
            {isLast ? 'Finish' : 'Next step'}
          </button>
        </div>
      )}
    </aside>
  );
};
