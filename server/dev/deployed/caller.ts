import type { AuthRequest } from './exchange.ts';
import type { Employee, Staff } from './people.ts';
import type { Service } from './service.ts';
import { type Claims, subjectOf, userIdOf } from './tokens.ts';

/** A caller whose token verifies, whether or not the person is still there. */
export type DeployedCaller = {
  type: 'staff' | 'employee';
  /** The staff user whose number the token holds, even if the token is an employee's. Null: there is none. */
  staff: Staff | null;
  /** Null: the token is of staff, or its employee was deleted. */
  employee: Employee | null;
};

export const createDeployedCallers = ({
  tokens,
  sessions,
  people,
}: Pick<Service, 'tokens' | 'sessions' | 'people'>) => {
  const toCaller = (claims: Claims): DeployedCaller | null => {
    const id = userIdOf(claims);
    const subject = subjectOf(claims);
    if (id === null || subject === null) return null;
    const { type } = subject;
    return {
      type,
      staff: people.staff.find(id),
      employee: type === 'employee' ? people.employees.find(subject.id) : null,
    };
  };

  const ofToken = async (token: string): Promise<DeployedCaller | null> => {
    // Any token signed with the key will do: refresh tokens, and those before the second factor, as well.
    const verified = await tokens.verify(token);
    return verified.ok ? toCaller(verified.claims) : null;
  };

  /** Null: the service redirects to its login page. */
  const ofCookies = async ({ cookies }: AuthRequest): Promise<DeployedCaller | null> => {
    // Django's own session comes first, which is why a forwarded sessionid changes answers.
    const staff = people.staff.find(sessions.get(cookies.get('sessionid') ?? '') ?? 0);
    if (staff) return { type: 'staff', staff, employee: null };
    const token = cookies.get('access_token');
    return token ? ofToken(token) : null;
  };

  return { ofToken, ofCookies };
};

export type DeployedCallers = ReturnType<typeof createDeployedCallers>;
