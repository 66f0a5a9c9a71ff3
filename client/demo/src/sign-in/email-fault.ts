/** Why an e-mail address cannot be right, as an error of the field `email`. */
export const emailFault = (email: string): { email?: string } => {
  const typed = email.trim();
  if (typed === '') return { email: 'Enter your e-mail address.' };
  return /^[^\s@]+@[^\s@]+$/.test(typed) ? {} : { email: 'Enter an e-mail address like ana@example.com.' };
};
