import { type AuthResponse, type AuthRequest, bearerToken, json } from '../http-messages.ts';
import { type Employee, isActiveEmployee, type Staff } from '../people/people.ts';
import type { Dependencies } from '../dependencies.ts';
import { type Claims, subjectOf } from '../tokens.ts';

export type GuideCaller =
  | { type: 'staff'; person: Staff; claims: Claims }
  | { type: 'employee'; person: Employee; claims: Claims };

type Handler<Caller> = (request: AuthRequest, caller: Caller) => AuthResponse | Promise<AuthResponse>;

const notValid = (detail: string) => json(401, { detail, code: 'token_not_valid' });

/** Guards for the endpoints of the guide. They verify the access token from the cookie, or the Bearer token. */
export const createGuideGuards = ({ tokens, people }: Pick<Dependencies, 'tokens' | 'people'>) => {
  const caller = async (request: AuthRequest): Promise<GuideCaller | AuthResponse> => {
    // Django deletes a cookie by an empty value.
    const token = request.cookies.get('access_token') || bearerToken(request.headers);
    if (!token) return json(401, { detail: 'Authentication credentials were not provided.' });
    const verified = await tokens.verify(token);
    if (!verified.ok) return notValid(verified.expired ? 'Token has expired' : 'Given token not valid');
    const { claims } = verified;
    if ((claims.token_type ?? 'access') !== 'access') return notValid('Token has wrong type');
    if (claims.temp_otp_login || claims.otp_required) return notValid('Second factor pending');
    const subject = subjectOf(claims);
    if (!subject) return notValid('Token contained no recognizable user identification');
    if (subject.type === 'employee') {
      const person = people.employees.find(subject.id);
      if (!person) return json(401, { detail: 'User not found', code: 'user_not_found' });
      if (!isActiveEmployee(person)) return json(401, { detail: 'User is inactive', code: 'user_inactive' });
      return { type: 'employee', person, claims };
    }
    const person = people.staff.find(subject.id);
    if (!person) return json(401, { detail: 'User not found', code: 'user_not_found' });
    if (!person.is_active) return json(401, { detail: 'User is inactive', code: 'user_inactive' });
    return { type: 'staff', person, claims };
  };

  const forbidden = json(403, { detail: 'You do not have permission to perform this action.' });

  const signedIn =
    (handler: Handler<GuideCaller>) =>
    async (request: AuthRequest): Promise<AuthResponse> => {
      const found = await caller(request);
      return 'status' in found ? found : handler(request, found);
    };

  const staffOnly = (handler: Handler<Staff>) =>
    signedIn((request, found) => (found.type === 'staff' ? handler(request, found.person) : forbidden));

  const employeesOnly = (handler: Handler<Employee>) =>
    signedIn((request, found) => (found.type === 'employee' ? handler(request, found.person) : forbidden));

  return { signedIn, staffOnly, employeesOnly };
};
