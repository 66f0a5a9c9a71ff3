export type Dialect = 'guide' | 'deployed';

export type AuthServiceOptions = {
  /** Default `guide`. */
  dialect?: Dialect;
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free port. */
  port?: number;
  /** Default false: no control listener; 0: any free port. It listens on 127.0.0.1 whatever the host. */
  controlPort?: number | false;
  signingKey: string;
  apiKey: string;
  /** Milliseconds. Default Date.now. */
  now?: () => number;
  /** Default 900. */
  accessLifetimeSeconds?: number;
  /** Default seven days. */
  refreshLifetimeSeconds?: number;
  /** Which claims sign-in and refresh put into an access token. Default `dialect`. */
  claims?: 'dialect' | 'least';
  /** Is told second-factor codes: `Second-factor code for a@b: 123456`. Default: nobody is. */
  log?: (line: string) => void;
};
