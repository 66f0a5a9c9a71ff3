import { isTrackedEnvelope } from '@trpc/server';
import { appRouter } from '../../api/router.ts';
import { StreamPosition } from '../../live/stream-position.ts';

const { sse, transformer } = appRouter._def._config;

type Fields = { event?: string; data: string; id?: string };

/** One event in tRPC's format, with its empty lines. Source: `sseStreamProducer` of @trpc/server. */
const toText = ({ event, data, id }: Fields): string =>
  `${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n${id === undefined ? '' : `id: ${id}\n`}\n\n`;

const toJson = (value: unknown): string => JSON.stringify(transformer.output.serialize(value));

/** The first event of a stream. */
export const connectedText = toText({ event: 'connected', data: JSON.stringify(sse?.client ?? {}) });
export const pingText = toText({ event: 'ping', data: '' });
/** The last event of a stream that has ended: the client does not connect again. */
export const returnText = toText({ event: 'return', data: '' });

/** The last event of a stream that failed, with the error in tRPC's format. */
export const toErrorText = (shape: object): string => toText({ event: 'serialized-error', data: toJson(shape) });

/** How long an `EventSource` waits before it connects again. */
export const toRetryText = (ms: number): string => `retry: ${ms}\n\n`;

/** An EventSource keeps no id with these characters. */
const isStorableId = (id: string): boolean => !/[\0\n\r]/.test(id);

/** Writes the events of one stream. `lastEventId`: with which the client has resumed. */
export const createEventFormat = (resumedFrom: string | null) => {
  let lastEventId = resumedFrom !== null && resumedFrom !== '' && isStorableId(resumedFrom) ? resumedFrom : null;
  const toRestoreText = (id: string): string => toText({ event: 'restore-id', data: '', id });
  return (event: unknown): string => {
    if (event instanceof StreamPosition) {
      lastEventId = event.id;
      return toRestoreText(event.id);
    }
    if (isTrackedEnvelope(event)) {
      const [id, data] = event;
      lastEventId = id;
      return toText({ data: toJson(data), id });
    }
    if (lastEventId === null) return toText({ data: toJson(event) });
    // An EventSource would give this event the last id, so that it is removed for this event and then restored.
    return toText({ data: toJson(event), id: '' }) + toRestoreText(lastEventId);
  };
};
