import type { AnyTRPCProcedure } from '@trpc/server';
import { z } from 'zod';
import { definitionOf } from '../procedure-definition.ts';
import { appRouter } from '../router.ts';
import { isRestRoute, pathParametersOf, type RestRoute, restRoutes } from './rest-routes.ts';

/** A member of an input. */
export type InputMember = {
  name: string;
  schema: z.ZodType;
  isOptional: boolean;
};

/** A procedure with its REST route, and where each member of its input comes from. */
export type RestProcedure = {
  /** Such as `users.byId`. */
  name: string;
  procedure: AnyTRPCProcedure;
  route: RestRoute;
  output: z.ZodType;
  fromPath: InputMember[];
  /** Only of a GET. */
  fromQuery: InputMember[];
  /** Only of a POST. */
  fromBody: InputMember[];
};

const procedures = appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>;

const membersOf = (name: string, inputs: readonly z.ZodType[]): InputMember[] => {
  const [input] = inputs;
  if (input === undefined) return [];
  if (!(input instanceof z.ZodObject)) throw new Error(`${name}: REST needs an input that is one z.object.`);
  return Object.entries(input.shape as Record<string, z.ZodType>).map(([member, schema]) => ({
    name: member,
    schema,
    isOptional: schema.safeParse(undefined).success,
  }));
};

const toRestProcedure = (name: string, route: RestRoute): RestProcedure => {
  const procedure = procedures[name];
  if (procedure === undefined) throw new Error(`rest-routes.ts: ${name} is not a procedure of the router.`);
  const { inputs, output } = definitionOf(procedure);
  if (output === undefined) throw new Error(`${name}: REST needs a procedure with an output schema.`);
  const members = membersOf(name, inputs);
  const inPath = pathParametersOf(route);
  const unknown = inPath.find((parameter) => members.every((member) => member.name !== parameter));
  if (unknown !== undefined) throw new Error(`rest-routes.ts: the input of ${name} has no ${unknown}.`);
  const others = members.filter((member) => !inPath.includes(member.name));
  return {
    name,
    procedure,
    route,
    output,
    fromPath: members.filter((member) => inPath.includes(member.name)),
    fromQuery: route.method === 'GET' ? others : [],
    fromBody: route.method === 'GET' ? [] : others,
  };
};

/** Every procedure that REST serves, in the order of the table. */
export const restProcedures = (): RestProcedure[] =>
  Object.entries(restRoutes).flatMap(([name, route]) => (isRestRoute(route) ? [toRestProcedure(name, route)] : []));

const unwrap = (schema: z.ZodType): z.ZodType =>
  schema instanceof z.ZodOptional || schema instanceof z.ZodDefault ? unwrap(schema.unwrap() as z.ZodType) : schema;

/** The schema of a list's members. Null: the member is no list. */
export const elementOf = (schema: z.ZodType): z.ZodType | null => {
  const inner = unwrap(schema);
  return inner instanceof z.ZodArray ? (inner.element as z.ZodType) : null;
};

/** Whether a member is a number, so that its text in a URL must be read as one. */
export const isNumber = (schema: z.ZodType): boolean => unwrap(schema) instanceof z.ZodNumber;

/** Whether a member is a time, so that JSON has it as a text. */
export const isTime = (schema: z.ZodType): boolean => unwrap(schema) instanceof z.ZodDate;
