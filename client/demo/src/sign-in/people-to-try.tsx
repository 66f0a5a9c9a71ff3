import { Icon } from '../desk/icon.tsx';
import type { SeededPerson } from '../lab/dev-routes.ts';
import { useDeskConfig } from '../lab/use-desk-config.ts';

const skeletonRows = 11;

/** Signs in a seeded person with one click. */
export const PeopleToTry = ({ onPick, isBusy }: { onPick: (person: SeededPerson) => void; isBusy: boolean }) => {
  const people = useDeskConfig()?.people;
  return (
    <section className="card" aria-labelledby="people-title" aria-busy={isBusy}>
      <header className="card-head">
        <div>
          <h2 id="people-title">People to try</h2>
          <p className="sub">One click signs in. These people are test data.</p>
        </div>
      </header>
      {people === undefined ? (
        <div className="people" aria-hidden="true">
          {Array.from({ length: skeletonRows }, (_, row) => (
            // oxlint-disable-next-line react/no-array-index-key -- all rows are the same
            <span className="bone bone-pick" key={row} />
          ))}
        </div>
      ) : (
        <ul className="people">
          {people.map((person) => (
            <li key={`${person.as} ${person.email}`}>
              <button type="button" className="pick" onClick={() => onPick(person)}>
                <span className="pick-name">
                  {person.name}
                  {person.secondFactor ? <Icon name="mail" /> : null}
                </span>
                <span className="badge" data-system={person.as}>
                  {person.as}
                </span>
                <span className="sub">{person.shows}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
};
