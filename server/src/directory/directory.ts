import type { Employee, User, UsersAnswer } from '@auth-bff/shared';
import type { AuthServiceClient } from '../auth-service/client.ts';
import type { Caller } from '../auth-service/transport.ts';

/** The most ids in one request to the Auth Service. */
const idsPerRequest = 100;

export type DirectoryOptions = { authService: AuthServiceClient };

const chunk = <Item>(items: readonly Item[], size: number): Item[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));

/** Users and employees, looked up for a caller with the caller's own token. */
export const createDirectory = ({ authService }: DirectoryOptions) => ({
  /** One user. Throws `user_not_found`. */
  user: (id: number, caller: Caller): Promise<User> => authService.user(id, caller),

  /** In the order asked, each once. One part failing fails the call. */
  async users(ids: readonly number[], caller: Caller): Promise<UsersAnswer> {
    const asked = [...new Set(ids)];
    const parts = await Promise.all(chunk(asked, idsPerRequest).map((part) => authService.users(part, caller)));
    const answer: UsersAnswer = { users: [], notFound: [] };
    for (const id of asked) {
      const result = parts.map((part) => part.get(id)).find((found) => found !== undefined);
      if (result === undefined) answer.notFound.push(id);
      else if ('error' in result) throw result.error;
      else answer.users.push(result.user);
    }
    return answer;
  },

  /** Throws `user_not_found`, also where the company id is an employee's. */
  userByCompanyId: (companyId: string, caller: Caller): Promise<User> => authService.userByCompanyId(companyId, caller),

  userIdsByRole: (role: { system: string; role: string }, caller: Caller): Promise<number[]> =>
    authService.userIdsByRole(role, caller),

  /** Throws `employee_not_found`. */
  employee: (id: number, options: { requestId?: string | undefined }): Promise<Employee> =>
    authService.employee(id, options),

  /** The caller's own profile. */
  me: (caller: Caller): Promise<User | Employee> =>
    caller.type === 'staff' ? authService.staffProfile(caller) : authService.employeeProfile(caller),
});

export type Directory = ReturnType<typeof createDirectory>;
