import type { AnyTRPCProcedure } from '@trpc/server';
import { z } from 'zod';
import { expect, it } from 'vitest';
import { isInputName } from '../../../server/src/api/input-names.ts';
import { definitionOf } from '../../../server/src/api/procedure-definition.ts';
import { appRouter } from '../../../server/src/api/router.ts';

const procedures = Object.entries(appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>);

const membersOf = (path: string, input: z.ZodType): string[] => {
  if (input instanceof z.ZodObject) return Object.keys(input.shape);
  if (input instanceof z.ZodDiscriminatedUnion) {
    return input.options.flatMap((option) => membersOf(path, option as z.ZodType));
  }
  throw new Error(`${path}: the names of this kind of input are unknown.`);
};

it('the names that errors may repeat are the members of all inputs', () => {
  const members = procedures.flatMap(([path, procedure]) =>
    definitionOf(procedure).inputs.flatMap((input) => membersOf(path, input)),
  );
  expect(members).toContain('newPassword');
  expect([...new Set(members)].filter((name) => !isInputName(name)).toSorted()).toEqual([]);
});

it('the names that errors may repeat are no names that every object has, and no others', () => {
  for (const name of ['', '__proto__', 'constructor', 'toString', 'Role', 'Zq8-kept-secret']) {
    expect(isInputName(name)).toBe(false);
  }
});
