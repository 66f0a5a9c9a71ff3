import type { Dialect } from '../../server/dev/auth-service/auth-service.ts';

const all = ['guide', 'deployed'] as const satisfies readonly Dialect[];

const isDialect = (name: string): name is Dialect => (all as readonly string[]).includes(name);

/** The dialects in which a test of both runs: `E2E_DIALECTS`, such as `guide`. Default: both. */
export const dialects: readonly Dialect[] =
  process.env.E2E_DIALECTS === undefined ? all : process.env.E2E_DIALECTS.split(',').filter(isDialect);
if (dialects.length === 0) throw new Error('E2E_DIALECTS: expected guide, deployed or both with a comma.');
