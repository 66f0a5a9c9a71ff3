import { type AuthResponse, type AuthRequest, json, redirect, serverError } from '../http-messages.ts';
import type { Employee, Staff } from '../people/people.ts';
import type { DeployedCaller } from './caller.ts';

/** How an answer is shaped by the request for it. */
export type View = {
  /** The Host header as sent: pictures are absolute URLs. */
  host: string;
  /** The system that the person chose in their Django session, in lower case. Null: none, so all systems show. */
  chosenSystem: string | null;
};

export type DeployedRequest = AuthRequest & { caller: DeployedCaller | null; view: View };

export type Handler = (request: DeployedRequest) => AuthResponse | Promise<AuthResponse>;
type HandlerFor<Person> = (request: DeployedRequest, person: Person) => AuthResponse | Promise<AuthResponse>;

export const notSignedIn = json(401, { detail: 'Authentication credentials were not provided.' });
export const notPermitted = json(403, { detail: 'You do not have permission to perform this action.' });

/** An employee's token is taken for that of the staff user with the same number: a hole that the BFF closes. */
export const asStaff =
  (handler: HandlerFor<Staff>): Handler =>
  (request) => {
    if (!request.caller) return notSignedIn;
    const { staff } = request.caller;
    return staff ? handler(request, staff) : serverError();
  };

/** As `asStaff`, where the service notices that an employee was deleted. */
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
