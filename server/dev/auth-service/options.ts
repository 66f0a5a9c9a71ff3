import type { EndpointName } from './endpoints.ts';

export type Dialect = 'guide' | 'deployed';

export type AuthServiceOptions = {
  /** Default `guide`. */
  dialect?: Dialect;
  /** Default 127.0.0.1. */
  host?: string;
  /**
   * Additional hosts, without ports, that a request may have in its Host header. `host`, localhost, names below .localhost,
   * 127.0.0.0/8 and [::1] are always allowed; requests for other hosts get a 421. Default: none.
   */
  allowedHosts?: readonly string[];
  /** Default 0: any free port. */
  port?: number;
  /** Port of the control API, which always listens on 127.0.0.1. 0: any free port. Default false: no control API. */
  controlPort?: number | false;
  signingKey: string;
  apiKey: string;
  /** Milliseconds since the epoch. Default Date.now. */
  now?: () => number;
  /** Default: 900 in the guide dialect, 300 in the deployed dialect, as in the real service. */
  accessLifetimeSeconds?: number;
  /** Default seven days. */
  refreshLifetimeSeconds?: number;
  /** The claims of access tokens. `least`: only the claims that the guide requires. Default `dialect`. */
  claims?: 'dialect' | 'least';
  /**
   * `on`: every sign-in needs a captcha, which is the default of the real service. Default `off`: only one seeded person
   * needs a captcha, so that `npm run dev` and most tests can sign in without one.
   */
  captcha?: 'off' | 'on';
  /** Endpoints that this service lacks, like an older one. Default: none. */
  without?: readonly EndpointName[];
  /**
   * Receives second-factor codes (`Second-factor code for a@b: 123456`), password-reset links and internal errors.
   * Default: discards them.
   */
  log?: (line: string) => void;
};
