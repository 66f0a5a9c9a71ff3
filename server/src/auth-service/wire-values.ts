import { type SystemRole, toAsciiUpperCase } from '@auth-bff/shared';
import { z } from 'zod';

// Schemas of single values, for the guide's service and for the deployed one.

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

/** A date or a time. A time without a zone is UTC. */
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

/** `{system, role}`, `{system_slug, role_name, is_active}`, a mix of both, or a bare role name. */
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

/** Null if the roles are unknown. Bare role names do not name their systems, so they count as unknown. */
export const toRoles = (entries: z.infer<typeof RoleEntries>): SystemRole[] | null => {
  if (!entries) return null;
  let hasBareNames = false;
  const scoped = entries.flatMap((entry) => {
    const { system_slug, system, role_name, role, is_active } = typeof entry === 'string' ? { role: entry } : entry;
    const [where, what] = [system_slug || system, role_name || role];
    if (is_active === false || !what) return [];
    if (where) return [{ system: toAsciiUpperCase(where), role: what }];
    hasBareNames = true;
    return [];
  });
  return scoped.length === 0 && hasBareNames ? null : scoped;
};

export const toSystems = (named: readonly string[] | null | undefined, roles: SystemRole[] | null): string[] | null =>
  named || roles
    ? [...new Set([...(named ?? []), ...(roles ?? []).map(({ system }) => system)].map(toAsciiUpperCase))]
    : null;
