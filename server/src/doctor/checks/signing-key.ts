import type { Config } from '../../config.ts';
import { type Finding, ok, problem, unchecked, warning } from '../finding.ts';
import type { InspectedToken } from '../inspect-token.ts';
import type { TokenAcceptance } from '../token-acceptance.ts';

const name = 'DJANGO_JWT_SIGNING_KEY';

const unsignedFinding = (acceptance: TokenAcceptance): Finding => {
  const message = 'did not sign the token';
  if (acceptance.state === 'accepted') {
    return problem(
      name,
      `${message}, although the Auth Service accepts the token`,
      "Set it to the Auth Service's DJANGO_JWT_SIGNING_KEY",
    );
  }
  if (acceptance.state === 'refused') {
    return problem(
      name,
      `${message}, and the Auth Service refuses the token too`,
      'Pipe in a token of this Auth Service; if it is one, compare the keys',
    );
  }
  return problem(
    name,
    message,
    "If the token is from this Auth Service, set the variable to the Auth Service's DJANGO_JWT_SIGNING_KEY",
  );
};

/** Whether the Auth Service signs with this key. */
export const checkSigningKey = ({ signer }: InspectedToken, acceptance: TokenAcceptance): Finding => {
  if (signer === null) return unchecked(name, 'the signature of the token cannot be checked');
  if (signer === 'current') return ok(name, 'signed the token');
  if (signer === 'none') return unsignedFinding(acceptance);
  if (signer === 'current_trimmed') {
    return problem(
      name,
      'has surrounding white space or quotes; without them, it is the key that signed the token',
      'Remove them: the BFF uses the value unchanged',
    );
  }
  return warning(
    name,
    `did not sign the token; key ${signer.previous} of DJANGO_JWT_SIGNING_KEY_PREVIOUS did`,
    'During a key change, make the Auth Service sign with the new key; otherwise correct the keys',
  );
};

/** Whether the token has the configured algorithm. */
export const checkAlgorithm = ({ payload, algorithm }: InspectedToken, config: Pick<Config, 'algorithm'>): Finding => {
  if (payload === null) return unchecked('JWT_ALGORITHM', 'there is no valid token');
  if (algorithm === config.algorithm) return ok('JWT_ALGORITHM', `is ${algorithm}, like the token`);
  if (algorithm === null) {
    return problem(
      'JWT_ALGORITHM',
      'the token is signed with an algorithm other than HS256, HS384 and HS512',
      'Configure one of these at the Auth Service',
    );
  }
  return problem(
    'JWT_ALGORITHM',
    `is ${config.algorithm}, but the token is signed with ${algorithm}`,
    `If the token is from this Auth Service, set JWT_ALGORITHM to ${algorithm}`,
  );
};
