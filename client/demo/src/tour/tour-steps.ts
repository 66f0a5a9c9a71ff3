import type { View } from '../desk/use-view.ts';

export type TourStep = {
  title: string;
  text: string;
  /** The part of the desk in which the step happens. */
  where: View;
  /** Default: both. */
  only?: 'staff';
};

export const signInStep = {
  title: 'Sign in',
  text: 'Choose John Doe in “People to try”. The page has no code for tokens: the client package does the work.',
} as const;

/** What a visitor can try in two minutes, after the sign-in. */
export const deskSteps: readonly TourStep[] = [
  {
    title: 'Open a ticket',
    text: 'Choose “New ticket”. In a system of yours it goes to the person who is next in turn, and the bars show it.',
    where: 'tickets',
  },
  {
    title: 'Hand it on',
    text: 'Choose a ticket in the list. It shows its history, and “Hand on” gives it to the next person.',
    where: 'tickets',
    only: 'staff',
  },
  {
    title: 'Let the session expire',
    text: 'In “Session”, choose “Expire the token, send 20 calls”. One refresh serves all twenty calls.',
    where: 'lab',
  },
  {
    title: 'Break the Auth Service',
    text: 'Choose “Down”: names stay, and you stay signed in. Choose “Healthy”: the page recovers by itself.',
    where: 'lab',
  },
];
