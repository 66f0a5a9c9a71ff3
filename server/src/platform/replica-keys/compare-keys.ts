import type { KeyFingerprints } from './key-fingerprints.ts';

export type KeyVariable = 'SEALING_KEY' | 'DJANGO_JWT_SIGNING_KEY';

/**
 * `changing`: the signing keys differ, and at least one of two replicas accepts the other's, as during a rolling key
 * change. `different`: neither accepts the other's.
 */
export type KeyAgreement = 'same' | 'changing' | 'different';

export type KeyComparison = {
  variable: KeyVariable;
  agreement: KeyAgreement;
  /** Other replicas that have such a key. */
  replicas: number;
  /** Those of them whose key is not the same. */
  differing: number;
};

/** Worst first. */
const agreements = ['different', 'changing', 'same'] as const;

const compareSealing = (own: KeyFingerprints, other: KeyFingerprints): KeyAgreement =>
  own.sealing === other.sealing ? 'same' : 'different';

/** Only current keys must be the same: replicas may drop previous keys one after the other. */
const compareSigning = (own: KeyFingerprints, other: KeyFingerprints): KeyAgreement => {
  const [ownKey = '', otherKey = ''] = [own.signing[0], other.signing[0]];
  if (ownKey === otherKey) return 'same';
  return own.signing.includes(otherKey) || other.signing.includes(ownKey) ? 'changing' : 'different';
};

/** Compares the keys of one replica with those of the others. Without a signing key, only the sealing keys are compared. */
export const compareKeys = (own: KeyFingerprints, others: readonly KeyFingerprints[]): KeyComparison[] => {
  const toComparison = (variable: KeyVariable, pairs: readonly KeyAgreement[]): KeyComparison => ({
    variable,
    agreement: agreements.find((agreement) => pairs.includes(agreement)) ?? 'same',
    replicas: pairs.length,
    differing: pairs.filter((agreement) => agreement !== 'same').length,
  });
  const sealing = toComparison(
    'SEALING_KEY',
    others.map((other) => compareSealing(own, other)),
  );
  if (own.signing.length === 0) return [sealing];
  const signing = others.filter((other) => other.signing.length > 0).map((other) => compareSigning(own, other));
  return [sealing, toComparison('DJANGO_JWT_SIGNING_KEY', signing)];
};
