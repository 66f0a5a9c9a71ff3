import type { AuthRequest } from './exchange.ts';
import { findStaff, type Staff } from './people.ts';
import type { Service } from './service.ts';
import { type Claims, userIdOf } from './tokens.ts';

/** The staff user whose number the token holds, even where the token is an employee's. */
export type DeployedCaller = { staff: Staff; claims: Claims };

/** Who is asking, by the deployed service's reckoning; null where it redirects to its login page. */
export type Asking = DeployedCaller | null | 'no_staff_row';

export const createDeployedCallers = ({ tokens, sessions }: Pick<Service, 'tokens' | 'sessions'>) => {
  const ofToken = async (token: string): Promise<Asking> => {
    // Any token signed with the key will do: refresh tokens, and those before the second factor, as well.
    const verified = await tokens.verify(token);
    const id = verified.ok ? userIdOf(verified.claims) : null;
    if (!verified.ok || id === null) return null;
    const staff = findStaff(id);
    return staff ? { staff, claims: verified.claims } : 'no_staff_row';
  };

  const ofCookies = async ({ cookies }: AuthRequest): Promise<Asking> => {
    // Django's own session comes first, which is why a forwarded sessionid changes answers.
    const staff = findStaff(sessions.get(cookies.get('sessionid') ?? '') ?? 0);
    if (staff) return { staff, claims: { user_id: staff.id, user_type: 'staff' } };
    const token = cookies.get('access_token');
    return token ? ofToken(token) : null;
  };

  return { ofToken, ofCookies };
};

export type DeployedCallers = ReturnType<typeof createDeployedCallers>;
