import { type ErrorAction, errorAction, reasonOf } from '@auth-bff/client';
import { TicketServiceError } from '../tickets/ticket-service.ts';

export type ErrorWords = { title: string; advice: string; canRetry: boolean };

/** Texts by action. */
const wordsOf: Record<ErrorAction, ErrorWords> = {
  'access-denied': {
    title: 'Access denied',
    advice: 'Your account does not have permission.',
    canRetry: false,
  },
  'not-found': {
    title: 'Not found',
    advice: 'Nobody has this ID. Check it and try again.',
    canRetry: false,
  },
  maintenance: {
    title: 'Under maintenance',
    advice: 'The Auth Service is not available. Retrying automatically.',
    canRetry: true,
  },
  'slow-down': {
    title: 'One moment',
    advice: 'Too many requests. Retrying automatically.',
    canRetry: true,
  },
  'fix-input': {
    title: 'Please check',
    advice: 'Enter an ID such as 123 or MA0001.',
    canRetry: false,
  },
  'sign-in': { title: 'Signed out', advice: 'Sign in again to continue.', canRetry: false },
  bug: { title: 'Something is broken', advice: 'An unexpected error occurred. Please report it.', canRetry: true },
};

/** The texts of an error, by the integration guide's "Error Handling". */
export const errorWords = (error: unknown, subject: string): ErrorWords => {
  if (error instanceof TicketServiceError) {
    return { title: `${subject} cannot be shown`, advice: error.message, canRetry: true };
  }
  const words = wordsOf[errorAction(error)];
  return reasonOf(error) === 'network'
    ? { ...words, title: "Can't reach the server", advice: 'Retrying automatically.' }
    : words;
};
