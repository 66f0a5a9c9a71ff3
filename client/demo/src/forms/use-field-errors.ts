import { type RefObject, useEffect, useRef, useState } from 'react';
import { type FieldErrors, fieldErrorsOf } from './field-errors.ts';

type Shown = {
  errors: FieldErrors;
  /** A new object moves the focus. */
  focus: { selectsText: boolean } | null;
};

export type FormErrors = {
  /** The form, whose first invalid field gets the focus. */
  form: RefObject<HTMLFormElement | null>;
  errors: FieldErrors;
  /** Shows the errors that the page found. Returns whether there are any. */
  show: (found: FieldErrors) => boolean;
  /** Removes the error of a field that is being changed. */
  clear: (name: string) => void;
};

/**
 * The errors of a form's fields: found by the page (`show`), or by the server in `refusal`. The focus moves to the first
 * field that has one. After a refusal its text is selected, so that typing replaces it. `toErrors` reads a refusal.
 * Default: the issues of the server.
 */
export const useFieldErrors = (
  refusal: unknown,
  toErrors: (error: unknown) => FieldErrors = fieldErrorsOf,
): FormErrors => {
  const form = useRef<HTMLFormElement>(null);
  const [seen, setSeen] = useState<unknown>(null);
  const [{ errors, focus }, setShown] = useState<Shown>({ errors: {}, focus: null });
  const replace = (found: FieldErrors, selectsText: boolean) => {
    const isAny = Object.keys(found).length > 0;
    setShown({ errors: found, focus: isAny ? { selectsText } : null });
    return isAny;
  };
  if (refusal !== seen) {
    setSeen(refusal);
    if (refusal !== null) replace(toErrors(refusal), true);
  }
  useEffect(() => {
    if (focus === null) return;
    const field = form.current?.querySelector<HTMLInputElement>('[aria-invalid="true"]');
    field?.focus();
    if (focus.selectsText) field?.select();
  }, [focus]);
  return {
    form,
    errors,
    show: (found) => replace(found, false),
    clear: (name) =>
      setShown((shown) => {
        const { [name]: _, ...others } = shown.errors;
        return { ...shown, errors: others };
      }),
  };
};
