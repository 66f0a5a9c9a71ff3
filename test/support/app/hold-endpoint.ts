import type { EmbeddedAuthService, EndpointName } from '../../../server/dev/auth-service/auth-service.ts';

/**
 * Holds the answers of one endpoint to whoever asks from now on, after it did its work, until released. `held` resolves
 * once the first answer is held: a call that was only counted may still be at work.
 */
export const holdEndpoint = ({ fault }: Pick<EmbeddedAuthService, 'fault'>, endpoint: EndpointName) => {
  let noteHeld = () => {};
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    noteHeld = resolve;
  });
  const until = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  fault(endpoint, {
    kind: 'hold',
    // It is read when the work is done.
    get until() {
      noteHeld();
      return until;
    },
  });
  return {
    held,
    release: letGo,
  };
};
