import { execFile } from 'node:child_process';

export type RunResult = { code: number; output: string };

/** Runs a program, and returns its exit code. Removes variables of an outer npm, such as `npm_config_*`. */
export const run = (program: string, args: readonly string[], { cwd }: { cwd: string }): Promise<RunResult> =>
  new Promise((resolve, reject) => {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS|VITEST)/i.test(name)),
    );
    execFile(program, args, { cwd, env, maxBuffer: 16e6 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (typeof code === 'number') resolve({ code, output: `${stdout}${stderr}` });
      else reject(error ?? new Error(`${program} did not run.`));
    });
  });

/** Runs a program. Throws if its exit code is not 0. */
export const runWell = async (program: string, args: readonly string[], options: { cwd: string }): Promise<string> => {
  const { code, output } = await run(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`);
  return output;
};
