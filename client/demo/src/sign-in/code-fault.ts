/** The digits of what was typed or pasted: `123 456` is a code, too. */
export const toCode = (typed: string): string => typed.replaceAll(/\D/g, '').slice(0, 6);

/** Why a code cannot be right, as an error of the field `code`. */
export const codeFault = (code: string): { code?: string } =>
  /^\d{6}$/.test(code) ? {} : { code: 'Enter the six digits of the code.' };
