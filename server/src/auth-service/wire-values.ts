import { type SystemRole, toAsciiUpperCase } from '@auth-bff/shared';
import { z } from 'zod';

/** The values that the Auth Service's answers are made of, in both of its dialects. */

export const Id = z.union(
  [
    z.int().positive(),
    z
      .string()
      .regex(/^[1-9]\d{0,15}$/)
      .transform(Number)
      .pipe(z.int()),
  ],
  'expected a whole number of 1 or more',
);
export const Text = z.string();
export const OptionalText = z.string().nullish();

/** A date, or a time; one without a zone is in UTC, wherever this runs. */
const isoTime = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;
const toMs = (text: string): number => {
  const [whole, zone] = isoTime.exec(text) ?? [];
  if (whole === undefined) return Number.NaN;
  return Date.parse(whole.length > 10 && zone === undefined ? `${whole}Z` : whole);
};
export const Time = z
  .string()
  .refine((text) => !Number.isNaN(toMs(text)), 'expected an ISO 8601 time')
  .transform((text) => new Date(toMs(text)))
  .nullish();

export const SystemNames = z.array(z.string()).nullish();

/** `{system, role}`, `{system_slug, role_name, is_active}` and what lies between; a bare role name says no system. */
const RoleEntry = z.union(
  [
    z.string(),
    z.object({
      system: OptionalText,
      system_slug: OptionalText,
      role: OptionalText,
      role_name: OptionalText,
      is_active: z.boolean().nullish(),
    }),
  ],
  'expected a role of a system, or the name of a role',
);
export const RoleEntries = z.array(RoleEntry).nullish();

/** Null where nothing is said of roles, or names alone: those say that there are roles, but not where. */
export const toRoles = (entries: z.infer<typeof RoleEntries>): SystemRole[] | null => {
  if (!entries) return null;
  let hasNamesAlone = false;
  const scoped = entries.flatMap((entry) => {
    const { system_slug, system, role_name, role, is_active } = typeof entry === 'string' ? { role: entry } : entry;
    const [where, what] = [system_slug || system, role_name || role];
    if (is_active === false || !what) return [];
    if (where) return [{ system: toAsciiUpperCase(where), role: what }];
    hasNamesAlone = true;
    return [];
  });
  return scoped.length === 0 && hasNamesAlone ? null : scoped;
};

export const toSystems = (named: readonly string[] | null | undefined, roles: SystemRole[] | null): string[] | null =>
  named || roles
    ? [...new Set([...(named ?? []), ...(roles ?? []).map(({ system }) => system)].map(toAsciiUpperCase))]
    : null;
