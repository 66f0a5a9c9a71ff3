export type Dialect = 'guide' | 'deployed';

export type AuthServiceOptions = {
  /** Default `guide`. */
  dialect?: Dialect;
  /** Default 127.0.0.1. */
  host?: string;
  /**
   * Hosts that requests may name beside `host`, localhost, names below .localhost, 127.0.0.0/8 and [::1], without ports.
   * All others are refused with 421. Default: none.
   */
  allowedHosts?: readonly string[];
  /** Default 0: any free port. */
  port?: number;
  /** Default false: no control listener; 0: any free port. It listens on 127.0.0.1 whatever the host. */
  controlPort?: number | false;
  signingKey: string;
  apiKey: string;
  /** Milliseconds. Default Date.now. */
  now?: () => number;
  /** Default: 900 in the guide dialect, 300 in the deployed one, as the real service has it. */
  accessLifetimeSeconds?: number;
  /** Default seven days. */
  refreshLifetimeSeconds?: number;
  /** Which claims sign-in and refresh put into an access token. Default `dialect`. */
  claims?: 'dialect' | 'least';
  /**
   * `on`: a captcha is asked of everybody, as the real service does by default. Default `off`: only the seeded person
   * who needs one is asked, so that `npm run dev` and most tests can sign in without.
   */
  captcha?: 'off' | 'on';
  /** Is told second-factor codes: `Second-factor code for a@b: 123456`. Default: nobody is. */
  log?: (line: string) => void;
};
