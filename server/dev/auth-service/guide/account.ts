import { createEmployeeAccount } from '../account/employee-account.ts';
import { createStaffAccount } from '../account/staff-account.ts';
import type { Dependencies } from '../dependencies.ts';
import { type AuthRequest, json } from '../http-messages.ts';
import { createGuideGuards } from './caller.ts';
import { guideEmployeeProfile, guideOwnProfile } from './profiles.ts';

/**
 * What people manage about their own account. The guide documents none of it: these are the paths and requests of the
 * deployed service with the answers of plain Django REST framework, and everybody may change the same fields.
 */
export const createGuideAccount = (dependencies: Dependencies) => {
  const { people, media } = dependencies;
  const { staffOnly, employeesOnly } = createGuideGuards(dependencies);
  const staff = createStaffAccount({ ...dependencies, restrictsFields: false });
  const employees = createEmployeeAccount(dependencies);

  return {
    'staff-profile-update': staffOnly(async (request, person) => {
      const error = await staff.update(request, person);
      return error ?? json(200, guideOwnProfile(people.staff.find(person.id) ?? person));
    }),
    'employee-profile-update': employeesOnly(async (request, person) => {
      const update = await employees.update(request, person);
      return update.ok ? json(200, guideEmployeeProfile(update.employee)) : update.answer;
    }),
    'staff-password-change': staffOnly((request, person) => staff.changePassword(request, person, true)),
    'staff-password-change-older': staffOnly((request, person) => staff.changePassword(request, person, false)),
    'employee-password-change': employeesOnly(employees.changePassword),
    'staff-password-forgot': staff.forgotPassword,
    'employee-password-forgot': employees.forgotPassword,
    'staff-password-reset-page': staff.resetPage,
    'staff-password-reset': staff.resetPassword,
    'employee-password-reset': employees.resetPassword,
    'staff-second-factor-enable': staffOnly(staff.enableSecondFactor),
    'staff-second-factor-disable': staffOnly(staff.disableSecondFactor),
    'employee-second-factor-enable': employeesOnly((request, person) =>
      employees.setSecondFactor(request, person, true),
    ),
    'employee-second-factor-disable': employeesOnly((request, person) =>
      employees.setSecondFactor(request, person, false),
    ),
    'staff-otp-resend': staffOnly((_request, person) => staff.sendCode(person)),
    media: ({ path }: AuthRequest) => media.answer(path),
  };
};
