import { z } from 'zod';
import { toAsciiUpperCase } from './ascii-case.ts';
import {
  maxRoleNameLength,
  roleNameMissingMessage,
  roleNameTooLongMessage,
  systemNameMessage,
  systemNamePattern,
} from './names.ts';
import { schemaOf } from './schema-of.ts';

/** A role in one system. The system is in upper case; the role reads as the Auth Service spells it. */
export interface SystemRole {
  system: string;
  role: string;
}
export const SystemRole = schemaOf<SystemRole>()(z.object({ system: z.string(), role: z.string() }));

/** The organisation's systems. Inputs accept other names, too; this type is for completion in editors. */
export type KnownSystem = 'AMS' | 'BMS' | 'TTS' | 'HDTS';

/** Input: the short name of a system. Converted to upper case. */
export const SystemName: z.ZodType<string, KnownSystem | (string & {})> = z
  .string()
  .trim()
  .regex(systemNamePattern, systemNameMessage)
  .transform(toAsciiUpperCase);

/** Input: the name of a role. */
export const RoleName = z.string().trim().min(1, roleNameMissingMessage).max(maxRoleNameLength, roleNameTooLongMessage);
