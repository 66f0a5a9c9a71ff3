import type { Session } from '@auth-bff/client';
import { rightsOf } from '../desk/rights.ts';
import { LookUp } from './look-up.tsx';
import { TurnsCard } from './turns-card.tsx';

/** The turns of the person's systems, and the look-up of staff. */
export const TurnsColumn = ({ me }: { me: Session }) => {
  const { systems } = rightsOf(me);
  const [first] = systems;
  return (
    <>
      {first === undefined ? null : <TurnsCard me={me} systems={systems} first={first} />}
      <LookUp />
    </>
  );
};
