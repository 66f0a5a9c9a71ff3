import { Icon } from '../desk/icon.tsx';
import type { SeededPerson } from '../lab/dev-routes.ts';
import { useDeskConfig } from '../lab/use-desk-config.ts';
import { labelOf } from './credentials.ts';

const titleOf: Record<SeededPerson['outcome'], string> = {
  'signed in': 'Sign in at once',
  'one more step': 'One more step',
  refused: 'Cannot sign in',
};
const groups: ReadonlyArray<SeededPerson['outcome']> = ['signed in', 'one more step', 'refused'];

/** How many people each group has, for the skeleton. */
const skeletonRows: Record<SeededPerson['outcome'], number> = { 'signed in': 6, 'one more step': 3, refused: 3 };

type PeopleToTryProps = { onPick: (person: SeededPerson) => void; isBusy: boolean };

const Pick = ({ person, onPick }: { person: SeededPerson; onPick: PeopleToTryProps['onPick'] }) => (
  <button type="button" className="pick" onClick={() => onPick(person)}>
    <span className="pick-name">
      {person.name}
      {person.secondFactor ? <Icon name="mail" /> : null}
    </span>
    <span className="badge" data-system={person.as}>
      {labelOf(person.as)}
    </span>
    <span className="sub">{person.shows}</span>
    <Icon name="arrow" />
  </button>
);

/** Signs in a seeded person with one click. */
export const PeopleToTry = ({ onPick, isBusy }: PeopleToTryProps) => {
  const people = useDeskConfig()?.people;
  return (
    <section className="card people-card" aria-labelledby="people-title" aria-busy={isBusy}>
      <header>
        <h2 id="people-title" tabIndex={-1}>
          People to try
        </h2>
        <p className="sub">Choose one to sign in without a password. All of them are made up.</p>
      </header>
      {groups.map((outcome) => (
        <div className="people-group" key={outcome}>
          <h3 id={`people-${groups.indexOf(outcome)}`}>{titleOf[outcome]}</h3>
          {people === undefined ? (
            <div className="people" aria-hidden="true">
              {Array.from({ length: skeletonRows[outcome] }, (_, row) => (
                // oxlint-disable-next-line react/no-array-index-key -- all rows are the same
                <span className="bone bone-pick" key={row} />
              ))}
            </div>
          ) : (
            <ul className="people" aria-labelledby={`people-${groups.indexOf(outcome)}`}>
              {people
                .filter((person) => person.outcome === outcome)
                .map((person) => (
                  <li key={`${person.as} ${person.email}`}>
                    <Pick person={person} onPick={onPick} />
                  </li>
                ))}
            </ul>
          )}
        </div>
      ))}
    </section>
  );
};
