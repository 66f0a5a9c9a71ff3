import { spawnSync } from 'node:child_process';

/** Debian's Python, which has the packages of Debian. */
const program = process.env.PYTHON ?? '/usr/bin/python3';

/** The Python that has these modules. Null: there is none, and tests that need it are skipped, or fail if REQUIRE_PYTHON=1. */
export const findPython = (modules: readonly string[]): string | null => {
  if (spawnSync(program, ['-c', `import ${modules.join(', ')}`]).status === 0) return program;
  const missing = `${program} with ${modules.join(', ')} is not installed`;
  if (process.env.REQUIRE_PYTHON === '1') throw new Error(`REQUIRE_PYTHON=1 is set, but ${missing}.`);
  process.stderr.write(
    `${missing}: its tests are skipped (Debian: python3-django python3-jwt python3-cryptography).\n`,
  );
  return null;
};
