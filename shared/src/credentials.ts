import { z } from 'zod';

/** An e-mail address as it was typed, without the spaces around it. The Auth Service compares the case. */
export const Email = z.string().trim().min(1, 'Expected an e-mail address').max(254, 'Expected at most 254 characters');

/** A password as it was typed: neither trimmed nor normalised. */
export const Password = z.string().min(1, 'Expected a password').max(1024, 'Expected at most 1024 characters');

/** A password to set. The Auth Service decides about the rest: common passwords, parts of the name. */
export const NewPassword = z
  .string()
  .min(8, 'Expected at least 8 characters')
  .max(128, 'Expected at most 128 characters');

/** The code of a second factor. */
export const SecondFactorCode = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9]{4,10}$/, 'Expected a code of 4 to 10 letters or digits');
