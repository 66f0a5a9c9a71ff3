import { createEmployeeAccount } from '../account/employee-account.ts';
import { createStaffAccount } from '../account/staff-account.ts';
import type { Dependencies } from '../dependencies.ts';
import { json } from '../http-messages.ts';
import { asEmployee, asStaff, type Handler } from './guards.ts';
import { employeeProfile, staffProfile } from './profiles.ts';

/** What people manage about their own account in the deployed service. */
export const createDeployedAccount = (dependencies: Dependencies) => {
  const { people, media } = dependencies;
  const staff = createStaffAccount({ ...dependencies, restrictsFields: true });
  const employees = createEmployeeAccount(dependencies);

  return {
    // Upstream vulnerability that the BFF closes: an employee's token changes the staff user with the same id.
    'staff-profile-update': asStaff(async (request, person) => {
      const error = await staff.update(request, person);
      return error ?? json(200, staffProfile(people.staff.find(person.id) ?? person, request.view));
    }),

    'employee-profile-update': asEmployee(async (request, person) => {
      const update = await employees.update(request, person);
      if (!update.ok) return update.answer;
      // The path of the picture is relative, unlike in the answer to GET.
      const { profile_picture: profilePicture } = update.employee;
      const employee = { ...employeeProfile(update.employee, request.view), profile_picture: profilePicture };
      return request.method === 'PUT'
        ? json(200, { employee, message: 'Profile fully updated successfully' })
        : json(200, {
            employee,
            updated_fields: update.names,
            message: `Successfully updated ${update.names.length} field(s)`,
          });
    }),

    'staff-password-change': asStaff((request, person) => staff.changePassword(request, person, true)),
    'staff-password-change-older': asStaff((request, person) => staff.changePassword(request, person, false)),
    'employee-password-change': asEmployee(employees.changePassword),
    'staff-password-forgot': staff.forgotPassword satisfies Handler,
    'employee-password-forgot': employees.forgotPassword satisfies Handler,
    'staff-password-reset-page': staff.resetPage satisfies Handler,
    'staff-password-reset': staff.resetPassword satisfies Handler,
    'employee-password-reset': employees.resetPassword satisfies Handler,
    'staff-second-factor-enable': asStaff(staff.enableSecondFactor),
    'staff-second-factor-disable': asStaff(staff.disableSecondFactor),
    'employee-second-factor-enable': asEmployee((request, person) => employees.setSecondFactor(request, person, true)),
    'employee-second-factor-disable': asEmployee((request, person) =>
      employees.setSecondFactor(request, person, false),
    ),
    /** During a sign-in, the temporary token in the access cookie authorizes a new code. */
    'staff-otp-resend': asStaff((_request, person) => staff.sendCode(person)),
    media: (({ path }) => media.answer(path)) satisfies Handler,
  };
};
