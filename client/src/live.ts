export type { LiveEventSource, LiveEventSourceConstructor } from './live/event-source.ts';
export { liveLink, type LiveLinkOptions } from './live/live-link.ts';
export type { LiveLink } from './live/live-option.ts';
