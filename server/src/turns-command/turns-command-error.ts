/** Why the command cannot run, for the operator. It ends with exit code 1. */
export class TurnsCommandError extends Error {
  override readonly name = 'TurnsCommandError';
}
