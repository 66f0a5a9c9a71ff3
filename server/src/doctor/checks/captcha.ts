import { isJson } from '../../auth-service/response-errors.ts';
import { type Finding, ok, unchecked, warning } from '../finding.ts';
import { type EndpointProbe, isResponse } from '../probe-endpoints.ts';
import { dialectOf } from './dialect.ts';

const name = 'captcha';

/**
 * Whether sign-in requires a captcha. Only the login page shows it, by the site key of the widget. A failing sign-in is
 * no alternative, because it would count as an attempt.
 */
export const checkCaptcha = (probe: EndpointProbe): Finding => {
  const { loginPage } = probe;
  if (!isResponse(loginPage)) return unchecked(name, 'the login page /staff/login/ does not respond');
  const { status, contentType, body } = loginPage;
  if (status === 200 && !isJson(contentType)) {
    return /\bdata-sitekey\s*=/i.test(body)
      ? warning(
          name,
          'is enabled: session.login without captchaToken fails with captcha_required',
          'Send captchaToken from the frontends, or set RECAPTCHA_ENABLED=False at the Auth Service',
        )
      : ok(name, 'is disabled: the login page /staff/login/ contains none');
  }
  return dialectOf(probe) === 'guide'
    ? ok(name, 'is not part of the integration guide')
    : unchecked(name, `the login page /staff/login/ responds with status ${status}`);
};
