import { type ErrorAction, errorAction, reasonOf } from '@auth-bff/client';
import { TicketServiceError } from '../tickets/ticket-service.ts';

export type ErrorWords = { title: string; advice: string; canRetry: boolean };

/** By what there is to do. `subject` begins a sentence: "Who is next". */
const wordsOf: Record<ErrorAction, (subject: string) => ErrorWords> = {
  'access-denied': () => ({
    title: 'Access denied',
    advice: 'Your account may not see this.',
    canRetry: false,
  }),
  'not-found': () => ({
    title: 'Not found',
    advice: 'Nobody has this number. Check it, and look again.',
    canRetry: false,
  }),
  maintenance: (subject) => ({
    title: 'Under maintenance',
    advice: `${subject} cannot be told just now. We ask again by ourselves.`,
    canRetry: true,
  }),
  'slow-down': () => ({
    title: 'One moment',
    advice: 'There were many requests at once. We ask again soon.',
    canRetry: true,
  }),
  'fix-input': () => ({
    title: 'Please check',
    advice: 'This is not how a number looks: try 123 or MA0001.',
    canRetry: false,
  }),
  'sign-in': () => ({ title: 'Signed out', advice: 'Sign in again to go on.', canRetry: false }),
  bug: () => ({ title: 'Something is broken', advice: 'This should not happen. Please report it.', canRetry: true }),
};

/** The guide's "Error Handling" in words. */
export const errorWords = (error: unknown, subject: string): ErrorWords => {
  if (error instanceof TicketServiceError) {
    return { title: `${subject} cannot be shown`, advice: error.message, canRetry: true };
  }
  const words = wordsOf[errorAction(error)](subject);
  return reasonOf(error) === 'network' ? { ...words, title: 'No connection' } : words;
};
