import type { Generator } from './load/start-generator.ts';
import { warmUp } from './run-rounds.ts';
import { type Peer, type PeerOptions, startPeer } from './start-peer.ts';

export type LoadedPeerOptions = Pick<PeerOptions, 'script' | 'env'> & {
  generator: Generator;
  /** The requests of its first load. */
  requests: string[];
};

/**
 * Starts a server on the core for servers, and loads it at once. A process that is idle for ten seconds or more before its
 * first load stays up to a tenth slower for as long as it lives, because its calls of `process.nextTick` take ten times as
 * long (Node 20). Without this, the servers that start later would win.
 */
export const startLoadedPeer = async ({ generator, requests, ...options }: LoadedPeerOptions): Promise<Peer> => {
  const peer = await startPeer({ ...options, hasOwnCore: true });
  await warmUp(generator, { peer, requests });
  return peer;
};
