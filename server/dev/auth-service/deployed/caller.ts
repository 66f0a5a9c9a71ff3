import { type AuthRequest, bearerToken } from '../http-messages.ts';
import type { Employee, Staff } from '../people/people.ts';
import type { Dependencies } from '../dependencies.ts';
import { type Claims, subjectOf, userIdOf } from '../tokens.ts';

/** A caller whose token is valid, whether or not the person is still there. */
export type DeployedCaller = {
  type: 'staff' | 'employee';
  /** The staff user whose number the token holds, even if the token is an employee's. Null: there is none. */
  staff: Staff | null;
  /** Null: the token is of staff, or its employee was deleted. */
  employee: Employee | null;
};

export const createDeployedCallers = ({ tokens, people }: Pick<Dependencies, 'tokens' | 'people'>) => {
  const toCaller = (claims: Claims): DeployedCaller | null => {
    const id = userIdOf(claims);
    const subject = subjectOf(claims);
    if (id === null || subject === null) return null;
    const { type } = subject;
    // An employee's refresh token passes for an access token; so does a token from before the second factor.
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
    /** By the access cookie, or else by an employee's Bearer token. Null: nobody, as far as most paths see. */
    async fromRequest({ cookies, headers }: AuthRequest): Promise<DeployedCaller | null> {
      const byCookie = await fromToken(cookies.get('access_token'));
      if (byCookie) return byCookie;
      const byBearer = await fromToken(bearerToken(headers));
      return byBearer?.type === 'employee' ? byBearer : null;
    },

    /** As `of`, where a Bearer token of staff counts too. */
    fromAnyToken: async ({ cookies, headers }: AuthRequest): Promise<DeployedCaller | null> =>
      (await fromToken(cookies.get('access_token'))) ?? fromToken(bearerToken(headers)),
  };
};

export type DeployedCallers = ReturnType<typeof createDeployedCallers>;
