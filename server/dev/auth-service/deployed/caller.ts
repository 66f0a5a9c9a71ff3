import { type AuthRequest, bearerToken } from '../http-messages.ts';
import type { Employee, Staff } from '../people/people.ts';
import type { Dependencies } from '../dependencies.ts';
import { type Claims, subjectOf, userIdOf } from '../tokens.ts';

/** The owner of a valid token. The person may have been deleted. */
export type DeployedCaller = {
  type: 'staff' | 'employee';
  /** The staff user with the id in the token, even if it is an employee's token. Null: no such staff user. */
  staff: Staff | null;
  /** Null: a staff token, or a deleted employee. */
  employee: Employee | null;
};

export const createDeployedCallers = ({ tokens, people }: Pick<Dependencies, 'tokens' | 'people'>) => {
  const toCaller = (claims: Claims): DeployedCaller | null => {
    const id = userIdOf(claims);
    const subject = subjectOf(claims);
    if (id === null || subject === null) return null;
    const { type } = subject;
    // Upstream vulnerabilities: an employee's refresh token and a token issued before the second factor are accepted.
    if (type === 'staff' && (claims.token_type ?? 'access') !== 'access') return null;
    return {
      type,
      staff: people.staff.find(id),
      employee: type === 'employee' ? people.employees.find(subject.id) : null,
    };
  };

  const fromToken = async (token: string | null | undefined): Promise<DeployedCaller | null> => {
    if (!token) return null;
    const verified = await tokens.verify(token);
    return verified.ok ? toCaller(verified.claims) : null;
  };

  return {
    /** The caller by the access cookie, or by an employee's Bearer token. Null: anonymous on most paths. */
    async fromRequest({ cookies, headers }: AuthRequest): Promise<DeployedCaller | null> {
      const byCookie = await fromToken(cookies.get('access_token'));
      if (byCookie) return byCookie;
      const byBearer = await fromToken(bearerToken(headers));
      return byBearer?.type === 'employee' ? byBearer : null;
    },

    /** Like `fromRequest`, but also accepts a Bearer token of staff. */
    fromAnyToken: async ({ cookies, headers }: AuthRequest): Promise<DeployedCaller | null> =>
      (await fromToken(cookies.get('access_token'))) ?? fromToken(bearerToken(headers)),
  };
};

export type DeployedCallers = ReturnType<typeof createDeployedCallers>;
