import { RoleName, SystemName, safePath } from '@auth-bff/shared';
import { AppError } from '../../errors.ts';

/** What the proxy requires, and for whom the assertion is. */
export type VerifyQuery = {
  /** The caller must belong to one of them. Empty: no system is required. */
  systems: readonly string[];
  /** A role that the caller must have in one of the systems. Null: none. */
  role: string | null;
  /** The backend that gets an assertion. Null: no assertion. */
  audience: string | null;
};

const parameters = ['system', 'role', 'audience'];
const audiencePattern = /^[\w.:/~-]{1,128}$/;

/** A name that is not ours, as far as the log may repeat it: anybody who reaches the path chooses it. */
const shownName = (name: string): string => safePath(name).slice(0, 64) || 'unknown';

const refuse = (path: string, message: string): AppError =>
  new AppError('invalid_input', {
    message: `The query of /bff/verify is not valid: ${path}: ${message}.`,
    issues: [{ path, message }],
  });

const only = (values: readonly string[], path: string): string | null => {
  if (values.length > 1) throw refuse(path, 'Expected one value');
  return values[0] ?? null;
};

/**
 * Reads the query string. Throws `invalid_input` for anything that is not understood: a proxy whose configuration has a
 * misspelt requirement must not admit everybody.
 */
export const readVerifyQuery = (query: string): VerifyQuery => {
  const params = new URLSearchParams(query);
  for (const name of params.keys()) {
    if (!parameters.includes(name))
      throw refuse(shownName(name), `Unknown parameter; expected ${parameters.join(', ')}`);
  }
  const systems = params.getAll('system').map((value) => {
    const system = SystemName.safeParse(value);
    if (!system.success) throw refuse('system', system.error.issues[0]?.message ?? 'Expected the name of a system');
    return system.data;
  });
  const role = only(params.getAll('role'), 'role');
  const roleName = role === null ? null : RoleName.safeParse(role);
  if (roleName?.success === false) {
    throw refuse('role', roleName.error.issues[0]?.message ?? 'Expected the name of a role');
  }
  if (role !== null && systems.length === 0) throw refuse('role', 'Expected a system beside the role');
  const audience = only(params.getAll('audience'), 'audience');
  if (audience !== null && !audiencePattern.test(audience)) {
    throw refuse('audience', 'Expected 1 to 128 letters, digits or any of . _ ~ : / -');
  }
  return { systems, role: roleName?.data ?? null, audience };
};
