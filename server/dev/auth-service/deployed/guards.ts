import { type AuthResponse, type AuthRequest, json, redirect, serverError } from '../http-messages.ts';
import type { Employee, Staff } from '../people/people.ts';
import type { DeployedCaller } from './caller.ts';

/** The parts of a request that shape the response. */
export type View = {
  /** The Host header, for absolute picture URLs. */
  host: string;
  /** The system chosen in the Django session, in lower case. Null: none; roles of all systems are listed. */
  chosenSystem: string | null;
};

export type DeployedRequest = AuthRequest & { caller: DeployedCaller | null; view: View };

export type Handler = (request: DeployedRequest) => AuthResponse | Promise<AuthResponse>;
type HandlerFor<Person> = (request: DeployedRequest, person: Person) => AuthResponse | Promise<AuthResponse>;

export const notSignedIn = json(401, { detail: 'Authentication credentials were not provided.' });
export const notPermitted = json(403, { detail: 'You do not have permission to perform this action.' });

/** Upstream vulnerability that the BFF closes: an employee's token acts as the staff user with the same id. */
export const asStaff =
  (handler: HandlerFor<Staff>): Handler =>
  (request) => {
    if (!request.caller) return notSignedIn;
    const { staff } = request.caller;
    return staff ? handler(request, staff) : serverError();
  };

/** Like `asStaff`, but redirects the token of a deleted employee. */
export const asStaffUnlessDeleted =
  (handler: HandlerFor<Staff>): Handler =>
  (request) => {
    const { type, employee, staff } = request.caller ?? {};
    const isDeletedEmployee = type === 'employee' && employee === null && staff !== null;
    return isDeletedEmployee ? redirect(302, '/profile-settings/') : asStaff(handler)(request);
  };

export const asEmployee =
  (handler: HandlerFor<Employee>): Handler =>
  (request) => {
    if (!request.caller) return notSignedIn;
    const { employee } = request.caller;
    return employee ? handler(request, employee) : notPermitted;
  };
