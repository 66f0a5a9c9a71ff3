import { type CompileOptions, compile } from './compile.ts';
import { runWell } from './run.ts';

/** What the consumers `serve-express.mjs` and `serve-fastify.mjs` print if the guard works. */
export const guardAnswers = [
  '401 {"error":"Authentication required"}',
  '401 {"error":"Invalid token"}',
  '200 123',
  '200 null',
  '403 {"error":"Insufficient permissions"}',
  '',
].join('\n');

/** Runs a module in a project, and returns its output. */
export const runModule = (folder: string, code: string, args: readonly string[] = []): Promise<string> =>
  runWell(process.execPath, ['--input-type=module', '--eval', code, ...args], { cwd: folder });

/** The compiler errors in the files and in our packages. Errors in the types of other packages are theirs. */
export const faultsIn = async (options: CompileOptions) => {
  const faults = await compile(options);
  return faults.filter(({ file }) => !file.includes('node_modules') || file.includes('@auth-bff'));
};
