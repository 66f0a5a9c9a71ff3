import { accountEndpoints } from '../../auth-service/account/account-endpoints.ts';
import type { EndpointState } from '../endpoint-states.ts';
import { type Finding, ok, unchecked, warning } from '../finding.ts';

const name = 'account';

type Offer = 'offered' | 'missing' | 'unknown';

const toOffer = ({ endpoint, state }: EndpointState): Offer => {
  if (state === 'missing') return 'missing';
  if (state !== 'unknown') return state === 'failing' ? 'unknown' : 'offered';
  // The BFF calls these without a token as well, so it meets the same redirect to the login page.
  return endpoint.audience === 'none' ? 'missing' : 'unknown';
};

/** Which endpoints of `account.*` the Auth Service offers. `states`: of those endpoints only. */
export const checkAccount = (states: readonly EndpointState[]): Finding[] => {
  const offers = new Map(states.map((entry) => [entry.endpoint.name, toOffer(entry)]));
  const [newer, older] = [accountEndpoints.changePassword.staff.name, accountEndpoints.changePasswordOlder.name];
  // One of the two is enough.
  if (offers.get(newer) !== 'offered' && offers.get(older) === 'offered') offers.delete(newer);
  else offers.delete(older);

  const namesOf = (offer: Offer): string[] => [...offers.keys()].filter((endpoint) => offers.get(endpoint) === offer);
  const [offered, missing, unknown] = [namesOf('offered'), namesOf('missing'), namesOf('unknown')];
  return [
    ...(offered.length > 0 ? [ok(name, `the Auth Service offers ${offered.join(', ')}`)] : []),
    ...(missing.length > 0
      ? [
          warning(
            name,
            `the Auth Service lacks ${missing.join(', ')}, so these calls fail with not_supported`,
            'Update the Auth Service, or hide these functions in the frontends',
          ),
        ]
      : []),
    ...(unknown.length > 0
      ? [
          unchecked(
            name,
            `the Auth Service does not tell whether it offers ${unknown.join(', ')}`,
            'Pipe in an access token (--token -), first of staff and then of an employee',
          ),
        ]
      : []),
  ];
};
