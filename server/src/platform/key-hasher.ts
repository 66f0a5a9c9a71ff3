import { createHmac, hkdfSync } from 'node:crypto';

/** Names a thing in the shared store by a keyed hash: of a token or an e-mail address nothing readable lies there. */
export type KeyHasher = (kind: string, value: string) => string;

/** `sealingSecret`: the same in all replicas, or they would not find each other's entries. */
export const createKeyHasher = ({ sealingSecret }: { sealingSecret: string }): KeyHasher => {
  const key = Buffer.from(hkdfSync('sha256', sealingSecret, '', 'auth-bff names in the shared store', 32));
  return (kind, value) => createHmac('sha256', key).update(`${kind}\0${value}`).digest('base64url');
};
