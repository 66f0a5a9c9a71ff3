/** The captcha token that the embedded Auth Service accepts. A real page gets one from the captcha. */
export const captchaThatPasses = 'captcha-ok';

type CaptchaBoxProps = { isChecked: boolean; error: string | undefined; onChange: (isChecked: boolean) => void };

/** Takes the place of a captcha. */
export const CaptchaBox = ({ isChecked, error, onChange }: CaptchaBoxProps) => (
  <div className="field">
    <label className="check">
      <input
        type="checkbox"
        checked={isChecked}
        aria-invalid={error !== undefined}
        aria-describedby={error === undefined ? undefined : 'captcha-note'}
        onChange={(event) => onChange(event.target.checked)}
      />
      I'm not a robot
    </label>
    {error === undefined ? null : (
      <p id="captcha-note" className="field-error" role="alert">
        {error}
      </p>
    )}
  </div>
);
