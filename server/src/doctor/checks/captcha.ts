import { isJson } from '../../auth-service/response-errors.ts';
import { dialectOf } from './dialect.ts';
import { type Finding, ok, unchecked, warning } from '../finding.ts';
import { isAnswer, type Survey } from '../probe-endpoints.ts';

const name = 'captcha';

/**
 * Whether a sign-in needs a captcha. No endpoint tells: only the login page shows it, as the site key of the widget. To
 * read that page changes nothing, where a sign-in that is meant to fail would count as one.
 */
export const checkCaptcha = (survey: Survey): Finding => {
  const { loginPage } = survey;
  if (!isAnswer(loginPage)) return unchecked(name, 'the login page /staff/login/ does not answer');
  const { status, contentType, body } = loginPage;
  if (status === 200 && !isJson(contentType)) {
    return /\bdata-sitekey\s*=/i.test(body)
      ? warning(
          name,
          'is on, so that session.login without captchaToken is refused with captcha_required',
          'Have the frontends send captchaToken, or set RECAPTCHA_ENABLED=False at the Auth Service',
        )
      : ok(name, 'is off: the login page /staff/login/ shows none');
  }
  return dialectOf(survey) === 'guide'
    ? ok(name, 'there is none in the integration guide, nor a login page that would show one')
    : unchecked(name, `the login page /staff/login/, which would show it, answers ${status}`);
};
