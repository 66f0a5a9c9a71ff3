/** The test files that start our programs as processes, from bundles that are built once per run. The slowest first. */
export const processFiles: readonly string[] = [
  'test/server/dev/start.test.ts',
  'test/server/assignment/replicas.test.ts',
  'test/server/assignment/replica-hand-overs.test.ts',
  'test/server/assignment/store-replicas.test.ts',
  'test/integration/replica-processes.test.ts',
  'test/server/main.test.ts',
  'test/server/doctor/doctor.test.ts',
  'test/server/turns-command/turns-command.test.ts',
  'test/server/main-crash.test.ts',
  'test/server/npm-start.test.ts',
  'test/e2e/tickets.test.ts',
  'test/e2e/desk.test.ts',
  'test/e2e/screens.test.ts',
  'test/e2e/sign-in.test.ts',
  'test/e2e/first-visit.test.ts',
  'test/e2e/account.test.ts',
  'test/e2e/desk-deployed.test.ts',
  'test/e2e/live-desk.test.ts',
];

/** Its place in the list, for an absolute path. -1: it starts no bundle. */
export const processFileIndex = (path: string): number => processFiles.findIndex((file) => path.endsWith(`/${file}`));
