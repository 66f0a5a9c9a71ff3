/**
 * Ends a stream because this process stops. tRPC's adapter closes a stream that fails with an `AbortError` without an event,
 * so that its client connects again.
 */
export class StoppedError extends Error {
  override name = 'AbortError';

  constructor() {
    super('The BFF stops.');
  }
}
