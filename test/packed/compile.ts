import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tscOf, type TypeScript, typeRoots } from './compilers.ts';
import { run } from './run.ts';

export type CompileOptions = {
  compiler: TypeScript;
  /** The consumer's folder. */
  folder: string;
  /** The files to write and compile: texts by file name. */
  files: Readonly<Record<string, string>>;
  compilerOptions?: Record<string, unknown>;
};

export type Fault = { file: string; line: number; code: string; message: string };

/** Compiles with the options of a strict consumer, including library files. Returns the compiler errors. */
export const compile = async (options: CompileOptions): Promise<Fault[]> => {
  const { compiler, folder, files, compilerOptions = {} } = options;
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const config = join(folder, `tsconfig.${compiler}.json`);
  writeFileSync(
    config,
    JSON.stringify({
      compilerOptions: {
        strict: true,
        skipLibCheck: false,
        // The compiler's own files, which take a third of the time.
        skipDefaultLibCheck: true,
        noEmit: true,
        target: 'es2023',
        lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
        types: ['node'],
        typeRoots: [typeRoots()],
        ...compilerOptions,
      },
      files: Object.keys(files),
    }),
  );
  const { output } = await run(process.execPath, [tscOf(compiler), '-p', config, '--pretty', 'false'], { cwd: folder });
  return [...output.matchAll(/^(\S[^\n(]*)\((\d+),\d+\): error (TS\d+): (.*)$|^error (TS\d+): (.*)$/gm)].map(
    ([, file = '', line = '0', code, message, globalCode = '', globalMessage = '']) => ({
      file,
      line: Number(line),
      code: code ?? globalCode,
      message: message ?? globalMessage,
    }),
  );
};

/** tRPC's own types import `ws`, which is not installed in the tests. */
export const isOfTrpcAlone = ({ file, message }: Fault): boolean =>
  /node_modules\/@trpc\/[^/]+\/dist\//.test(file) && message.includes("'ws'");
