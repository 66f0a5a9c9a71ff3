import type { Config } from '../../config.ts';
import { resetLinkPaths } from '../../http/account/reset-links.ts';
import { type Finding, ok, warning } from '../finding.ts';

export type CheckResetLinksOptions = Pick<Config, 'authServiceUrl' | 'authServicePublicUrl' | 'passwordReset'>;

const name = 'password reset';

/**
 * Says where the links of password-reset mails lead. The Auth Service takes the host of a link from the BFF's request, and
 * the scheme from the connection, which is that of AUTH_SERVICE_URL. The doctor has no mail sent.
 */
export const checkResetLinks = (config: CheckResetLinksOptions): Finding => {
  const { authServiceUrl, authServicePublicUrl, passwordReset } = config;
  const target = new URL(passwordReset?.publicUrl ?? authServicePublicUrl);
  const { protocol } = new URL(authServiceUrl);
  const link = `${protocol}//${target.host}${resetLinkPaths.staff[0]}`;
  const leads = `links in mails lead to ${link}`;
  const allowed = `ALLOWED_HOSTS of the Auth Service must contain ${target.hostname}`;
  const message =
    passwordReset === null
      ? `${leads}, a page of the Auth Service; ${allowed}`
      : `${leads}, which the BFF redirects to ${new URL(passwordReset.pageUrl).host}; ${allowed}`;
  if (protocol === target.protocol) return ok(name, message);
  return warning(
    name,
    `${message}. They begin with ${protocol}// as AUTH_SERVICE_URL does, but browsers reach this host by ${target.protocol}//`,
    target.protocol === 'https:'
      ? 'Let port 80 of this host redirect to https, so that the links work'
      : 'Set an address with https, or check whether the links work',
  );
};
