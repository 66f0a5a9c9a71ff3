/** Leads to the form for a forgotten password. */
export const forgotLink = '/#forgot-password';

export const isForgotLink = (): boolean => location.hash === '#forgot-password';

/** Removes the link from the address bar, so that a reload shows the sign-in. */
export const removeForgotLink = (): void => {
  if (isForgotLink()) history.replaceState(history.state, '', location.pathname);
};
