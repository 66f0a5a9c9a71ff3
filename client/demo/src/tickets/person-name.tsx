import { Icon } from '../desk/icon.tsx';
import type { Name, PersonRef } from './use-names.ts';

type PersonNameProps = {
  label: string;
  person: PersonRef | null;
  nameOf: (person: PersonRef) => Name;
  isStale: boolean;
};

const numberOf = ({ type, id }: PersonRef) => `${type === 'staff' ? 'Staff' : 'Employee'} ${id}`;

/** The person's name, or the number and the reason why the name is missing. */
export const PersonName = ({ label, person, nameOf, isStale }: PersonNameProps) => {
  const name = person === null ? null : nameOf(person);
  return (
    <span className="person">
      {person === null ? null : <span className="person-label">{label}</span>}
      {person === null || name === null ? (
        <span className="person-label">unassigned</span>
      ) : name.is === 'known' ? (
        <span className="person-name" data-stale={isStale || undefined}>
          {name.text}
          {isStale ? <span className="visually-hidden"> (as last known)</span> : null}
        </span>
      ) : name.is === 'loading' ? (
        <span className="bone bone-name" aria-hidden="true" />
      ) : (
        <span className="person-name person-number">
          {numberOf(person)}
          {name.is === 'access-denied' ? (
            <>
              <Icon name="lock" />
              <span className="visually-hidden"> (no access to the name)</span>
            </>
          ) : name.is === 'not-found' ? (
            <span className="person-why"> not found</span>
          ) : (
            <span className="visually-hidden"> (name not available)</span>
          )}
        </span>
      )}
    </span>
  );
};
