import { type AvailabilityInput, inSystem, type RotationInput } from '@auth-bff/shared';
import type { Assignments } from '../assignment/assignments.ts';
import type { Directory, DirectoryCaller } from '../directory/directory.ts';
import { AppError } from '../errors.ts';
import type { Actor, Audit } from '../platform/audit.ts';

export type TurnAdministrationOptions = {
  assignments: Pick<Assignments, 'setAvailability' | 'reset'>;
  directory: Pick<Directory, 'user'>;
  audit: Pick<Audit, 'write'>;
};

const actorOf = ({ type, id, service }: DirectoryCaller): Actor =>
  service === undefined ? { person: { type, id }, service: null } : { person: null, service: service.name };

const invalidUserId = (message: string): AppError =>
  new AppError('invalid_input', {
    message: `The input is not valid: userId: ${message}`,
    issues: [{ path: 'userId', message }],
  });

/** Changes that decide about the turns of other people. Each is written to the audit log. */
export const createTurnAdministration = ({ assignments, directory, audit }: TurnAdministrationOptions) => {
  /** Throws unless the user exists and belongs to the system. A user whose systems the Auth Service does not tell passes. */
  const assertInSystem = async (userId: number, system: string, caller: DirectoryCaller): Promise<void> => {
    const user = await directory.user(userId, caller);
    const isUnknown = user.systems === null && user.roles === null;
    if (!isUnknown && !inSystem(user, system)) throw invalidUserId(`Expected a user of ${system}`);
  };

  return {
    /**
     * Says that a person is away or back. Throws `user_not_found`, and `invalid_input` for a person of another system and
     * for an `until` that is over.
     */
    async setAvailability(input: AvailabilityInput, caller: DirectoryCaller): Promise<void> {
      const { system, away, until = null, note = '' } = input;
      const { service } = caller;
      if (input.userId === undefined && service !== undefined) {
        throw invalidUserId('Expected the id of a user: a service has no availability of its own');
      }
      const userId = input.userId ?? caller.id;
      const isOneself = service === undefined && userId === caller.id;
      // The policy has checked the caller's own system.
      if (!isOneself) await assertInSystem(userId, system, caller);
      await assignments.setAvailability({ system, userId, away, until, note: note === '' ? null : note });
      audit.write(
        { audit: 'availability_changed', ...actorOf(caller), of: { type: 'staff', id: userId }, system, away },
        caller,
      );
    },

    /** Forgets everybody's place in a rotation. */
    async reset({ system, role }: RotationInput, caller: DirectoryCaller): Promise<void> {
      await assignments.reset({ system, role });
      audit.write({ audit: 'turns_reset', ...actorOf(caller), system, role }, caller);
    },
  };
};

export type TurnAdministration = ReturnType<typeof createTurnAdministration>;
