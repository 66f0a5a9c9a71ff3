/**
 * The milliseconds of CPU that a task costs. The clock on the wall would count what other processes are given meanwhile:
 * each test file runs in a process of its own.
 */
export const cpuMsOf = (task: () => void): number => {
  const before = process.cpuUsage();
  task();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
};
