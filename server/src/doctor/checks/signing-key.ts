import type { Config } from '../../config.ts';
import type { Acceptance } from '../token-acceptance.ts';
import { type Finding, ok, problem, unchecked, warning } from '../finding.ts';
import type { SeenToken } from '../inspect-token.ts';

const name = 'DJANGO_JWT_SIGNING_KEY';

/** Whether the key is the one that the Auth Service signs with. */
export const checkSigningKey = ({ signer }: SeenToken, acceptance: Acceptance): Finding => {
  if (signer === null) return unchecked(name, 'the token is signed in no way that is read here');
  if (signer === 'current') return ok(name, 'made the signature of the token');
  if (signer === 'current_but_for_its_edges') {
    return problem(
      name,
      'has white space or quotes around it, without which it is the key of the token',
      'Set it without them: keys are taken as they stand',
    );
  }
  if (signer !== 'none') {
    return warning(
      name,
      `did not make the signature of the token: key ${signer.previous} of DJANGO_JWT_SIGNING_KEY_PREVIOUS did`,
      'Let the Auth Service sign with the new key, if it is being changed',
    );
  }
  const says = 'did not make the signature of the token';
  if (acceptance.state === 'accepted') {
    return problem(
      name,
      `${says}, which the Auth Service accepts`,
      "Set it to the Auth Service's DJANGO_JWT_SIGNING_KEY",
    );
  }
  return acceptance.state === 'refused'
    ? problem(
        name,
        `${says}, which the Auth Service refuses too`,
        'Pipe in a token of this Auth Service; if it is one, compare the keys',
      )
    : problem(name, says, "Set it to the Auth Service's DJANGO_JWT_SIGNING_KEY, if the token is of there");
};

/** Whether tokens are signed as is expected here. */
export const checkAlgorithm = ({ payload, algorithm }: SeenToken, config: Pick<Config, 'algorithm'>): Finding => {
  if (payload === null) return unchecked('JWT_ALGORITHM', 'there is no token to look at');
  if (algorithm === config.algorithm) return ok('JWT_ALGORITHM', `${algorithm}, as the token has it`);
  return algorithm === null
    ? problem(
        'JWT_ALGORITHM',
        'the token is signed with none of HS256, HS384 and HS512',
        'Have the Auth Service sign with one of these',
      )
    : problem(
        'JWT_ALGORITHM',
        `is ${config.algorithm}, and the token is signed with ${algorithm}`,
        `Set JWT_ALGORITHM to ${algorithm}, if the token is of this Auth Service`,
      );
};
