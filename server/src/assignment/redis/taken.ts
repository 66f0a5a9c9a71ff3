import type { AssignmentLimits } from '../assignment-limits.ts';

export type Limited = ['limited', limit: keyof AssignmentLimits, resetMs: number];
const toLimited = (limit: string, resetMs: number): Limited => ['limited', limit as keyof AssignmentLimits, resetMs];
export type Costs = ['costs', newKeys: number, newRotations: number];
/** What a call did, or why it did nothing. */
export type Taken =
  | ['assigned', assignee: string, newKeys: number, newRotations: number]
  | ['replayed', assignee: string]
  | ['nobody' | 'unknown' | 'away' | 'excluded' | 'charged']
  | Limited
  | Costs
  /** Redis's error of one call beside others. */
  | ['failed', error: string];

/** Reads the reply of a script: words with spaces between, because Redis takes longer to write a list. */
export const toTaken = (reply: string): Taken => {
  const [kind = '', first = '', second = '', third = ''] = reply.split(' ');
  switch (kind) {
    case 'assigned':
      return [kind, first, Number(second), Number(third)];
    case 'replayed':
      return [kind, first];
    case 'limited':
      return toLimited(first, Number(second));
    case 'costs':
      return [kind, Number(first), Number(second)];
    case 'nobody':
    case 'unknown':
    case 'away':
    case 'excluded':
    case 'charged':
      return [kind];
    default:
      return ['failed', kind === 'failed' ? reply.slice('failed '.length) : reply];
  }
};
