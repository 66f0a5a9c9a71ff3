import { Icon } from '../desk/icon.tsx';
import type { PersonRef } from './ticket-service.ts';
import type { Name, NameOf } from './use-names.ts';

type PersonNameProps = {
  person: PersonRef;
  nameOf: NameOf;
  isStale: boolean;
  /** In place of a name that this person may not look up, such as "an employee". */
  hidden: string;
};

const numberOf = ({ type, id }: PersonRef) => `${type === 'staff' ? 'Staff' : 'Employee'} ${id}`;

/** The number in place of a name, and why. */
const Missing = ({ person, why }: { person: PersonRef; why: Name['is'] }) => (
  <span className="person-name person-number">
    {numberOf(person)}
    {why === 'access-denied' ? (
      <>
        <Icon name="lock" />
        <span className="visually-hidden"> (no access to the name)</span>
      </>
    ) : why === 'not-found' ? (
      <span className="person-why"> not found</span>
    ) : (
      <span className="visually-hidden"> (name not available)</span>
    )}
  </span>
);

/** The person's name, or what is shown in place of it. */
export const PersonName = ({ person, nameOf, isStale, hidden }: PersonNameProps) => {
  const name = nameOf(person);
  switch (name.is) {
    case 'known':
      return (
        <span className="person-name" data-stale={isStale || undefined}>
          {name.text}
          {isStale ? <span className="visually-hidden"> (as last known)</span> : null}
        </span>
      );
    case 'own':
      return <span className="person-name">{name.text}</span>;
    case 'hidden':
      return <span className="person-hidden">{hidden}</span>;
    case 'loading':
      return <span className="bone bone-name" aria-hidden="true" />;
    case 'not-found':
    case 'access-denied':
    case 'unknown':
      break;
  }
  return <Missing person={person} why={name.is} />;
};
