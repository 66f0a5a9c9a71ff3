import { type AuthResponse, json } from '../http-messages.ts';

/** An error of a form as a whole. */
export const formError = (text: string): AuthResponse => json(400, { non_field_errors: [text] });
