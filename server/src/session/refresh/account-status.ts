import type { AuthServiceClient } from '../../auth-service/client.ts';
import { toInactiveStatus } from '../../auth-service/inactive-status.ts';
import { NotFoundPageError } from '../../auth-service/response-errors.ts';
import { type RequestMeta, requestMetaOf } from '../../auth-service/caller.ts';
import type { Directory } from '../../directory/directory.ts';
import { type AppError, isAppError } from '../../errors.ts';
import type { Principal, Subject } from '../../token/principal.ts';

/** The oldest cached record that may decide whether a session continues. */
const maxAgeSeconds = 60;

export type AccountStatusOptions = {
  directory: Pick<Directory, 'user' | 'employee' | 'isKnownInactive'>;
  authService: Pick<AuthServiceClient, 'isStaffDeleted'>;
};

export type AccountStatusRequest = RequestMeta & {
  principal: Principal;
  /** The person's own valid token, for the lookup of their record. */
  accessToken: string;
};

const isNotFound = (error: AppError): boolean =>
  isAppError(error, 'user_not_found', 'employee_not_found') && !(error instanceof NotFoundPageError);

/**
 * Checks whether a person may still have a session. The tokens do not tell: the Auth Service continues to refresh tokens
 * of deactivated people, and responds with 500 for deleted people.
 */
export const createAccountStatus = ({ directory, authService }: AccountStatusOptions) => {
  const isStaffInactive = async ({ principal: { id }, ...request }: AccountStatusRequest): Promise<boolean> => {
    const user = await directory.user(id, { ...request, type: 'staff', id, maxAgeSeconds });
    return user.isActive === false;
  };
  const isEmployeeInactive = async ({ principal: { id }, ...request }: AccountStatusRequest): Promise<boolean> => {
    const { status } = await directory.employee(id, { ...request, type: 'employee', id, maxAgeSeconds });
    return toInactiveStatus(status) !== null;
  };

  /** Whether the person's record no longer exists. False if the lookup fails. */
  const isDeleted = async ({ type, id }: Subject, cause: RequestMeta): Promise<boolean> => {
    try {
      if (type === 'staff') return await authService.isStaffDeleted(id, requestMetaOf(cause));
      // The id may come from an unverified refresh token.
      await directory.employee(id, {
        ...requestMetaOf(cause),
        type,
        id,
        accessToken: '',
        isUnverified: true,
        maxAgeSeconds,
      });
      return false;
    } catch (error) {
      if (!isAppError(error)) throw error;
      return isNotFound(error);
    }
  };

  return {
    isDeleted,

    /** Whether the person was deactivated, rejected or deleted. False if the lookup fails. */
    async isInactive(request: AccountStatusRequest): Promise<boolean> {
      const { principal } = request;
      try {
        return await (principal.type === 'staff' ? isStaffInactive(request) : isEmployeeInactive(request));
      } catch (error) {
        if (!isAppError(error)) throw error;
        if (isNotFound(error)) return true;
        return principal.type === 'staff' && error.upstream === 500 && isDeleted(principal, request);
      }
    },

    /** Whether a fresh record in the cache shows that the person is inactive. Needs no I/O. */
    isKnownInactive: (subject: Subject): boolean => directory.isKnownInactive(subject),
  };
};

export type AccountStatus = ReturnType<typeof createAccountStatus>;
