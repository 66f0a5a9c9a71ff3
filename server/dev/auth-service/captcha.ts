/** The one captcha answer that passes. */
const CAPTCHA_THAT_PASSES = 'captcha-ok';

export type CaptchaResult = 'passed' | 'missing' | 'null' | 'refused';

export type CaptchaOptions = {
  /** `on`: asked of everybody. `off`: only of the seeded person who needs one. */
  captcha: 'off' | 'on';
};

/** Checks what a sign-in sends as its captcha answer. `isAsked`: whether this person needs one even if it is off. */
export const createCaptcha =
  ({ captcha }: CaptchaOptions) =>
  (answer: unknown, isAsked: boolean): CaptchaResult => {
    if (captcha === 'off' && !isAsked) return 'passed';
    if (answer === null) return 'null';
    if (answer === undefined || answer === '') return 'missing';
    return answer === CAPTCHA_THAT_PASSES ? 'passed' : 'refused';
  };

export type Captcha = ReturnType<typeof createCaptcha>;
