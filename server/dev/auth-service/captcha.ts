/** The only captcha response that passes. */
const CAPTCHA_THAT_PASSES = 'captcha-ok';

export type CaptchaResult = 'passed' | 'missing' | 'null' | 'refused';

export type CaptchaOptions = {
  /** `on`: every sign-in needs a captcha. `off`: only the seeded person with `captcha: true` needs one. */
  captcha: 'off' | 'on';
};

/** Checks the captcha response of a sign-in. `isRequired`: this person needs a captcha even if the option is `off`. */
export const createCaptcha =
  ({ captcha }: CaptchaOptions) =>
  (response: unknown, isRequired: boolean): CaptchaResult => {
    if (captcha === 'off' && !isRequired) return 'passed';
    if (response === null) return 'null';
    if (response === undefined || response === '') return 'missing';
    return response === CAPTCHA_THAT_PASSES ? 'passed' : 'refused';
  };

export type Captcha = ReturnType<typeof createCaptcha>;
