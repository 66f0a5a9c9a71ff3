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
/** Whether the value is an id as a number. */
export const isId = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
export const Text = z.string();
export const OptionalText = z.string().nullish();

/** A date or a time. A time without a zone is UTC. */
const isoTime = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;
/** Milliseconds since the epoch. NaN if the text is not a time. */
export const toMs = (text: string): number => {
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

/** Upper case. The test is cheaper than the mapping, and nearly all names are in upper case already. */
const toSystemName = (text: string): string => (/[a-z]/.test(text) ? toAsciiUpperCase(text) : text);

/** Null if the roles are unknown. Bare role names do not name their systems, so they count as unknown. */
export const toRoles = (entries: z.infer<typeof RoleEntries>): SystemRole[] | null => {
  if (!entries) return null;
  let hasBareNames = false;
  const scoped: SystemRole[] = [];
  for (const entry of entries) {
    if (typeof entry === 'string') {
      hasBareNames ||= entry !== '';
      continue;
    }
    const system = entry.system_slug || entry.system;
    const role = entry.role_name || entry.role;
    if (entry.is_active === false || !role) continue;
    if (system) scoped.push({ system: toSystemName(system), role });
    else hasBareNames = true;
  }
  return scoped.length === 0 && hasBareNames ? null : scoped;
};

/** The named systems and those of the roles, each once. Null if both are unknown. */
export const toSystems = (
  named: readonly string[] | null | undefined,
  roles: readonly SystemRole[] | null,
): string[] | null => {
  if (!named && !roles) return null;
  const systems = new Set<string>();
  for (const name of named ?? []) systems.add(toSystemName(name));
  for (const { system } of roles ?? []) systems.add(system);
  return [...systems];
};
