import type { EmbeddedAuthService, EndpointName } from '../../../server/dev/auth-service/auth-service.ts';

/**
 * From now on, holds the responses of one endpoint until released. The endpoint does its work first. `held` resolves
 * once the first response is held, whereas a call is counted before its work is done.
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
    // The fault is read after the work is done.
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
