import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { LiveLimits } from '../../live/live-limits.ts';
import type { Sweep } from '../../live/sweep.ts';
import { connectedText, pingText } from './event-format.ts';

export type EventStreamOptions = {
  limits: Pick<LiveLimits, 'pingMs' | 'unreadMs'>;
  sweep: Sweep;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
};

export type EventStreamSource = {
  response: ServerResponse;
  /** The text of each event, until the stream ends. Must not throw. Is not read while the client does not read. */
  texts: AsyncIterable<string>;
  /** Called when the client has read nothing for `unreadMs`. */
  onUnread: () => void;
};

/** Bytes that wait for a client before the next event is read. Node's response has a buffer of the same size. */
const highWaterMark = 16_384;

/**
 * Creates the bodies of streams of server-sent events: `connected`, the events, and a ping after a time without events.
 * It buffers a bounded number of bytes for a client that does not read.
 */
export const createEventStreams =
  ({ limits, sweep, monotonicNow }: EventStreamOptions) =>
  ({ response, texts, onUnread }: EventStreamSource): Readable => {
    let writtenAtMs = monotonicNow();
    /** When bytes began to wait for the client. Null: none wait. */
    let waitingSinceMs: number | null = null;
    let continueWriting = () => {};

    const write = (text: string): boolean => {
      writtenAtMs = monotonicNow();
      return stream.push(text);
    };

    const pump = async (): Promise<void> => {
      write(connectedText);
      for await (const text of texts) {
        if (stream.destroyed) return;
        if (write(text)) continue;
        await new Promise<void>((resolve) => {
          continueWriting = resolve;
        });
      }
      if (!stream.destroyed) stream.push(null);
    };

    const stream = new Readable({
      highWaterMark,
      read: () => continueWriting(),
      destroy(error, callback) {
        stopSweep();
        continueWriting();
        callback(error);
      },
    });

    const stopSweep = sweep.add(() => {
      const nowMs = monotonicNow();
      if (stream.readableLength + response.writableLength === 0) {
        waitingSinceMs = null;
        if (nowMs - writtenAtMs >= limits.pingMs) write(pingText);
        return;
      }
      waitingSinceMs ??= nowMs;
      if (nowMs - waitingSinceMs >= limits.unreadMs) onUnread();
    });
    response.on('drain', () => {
      waitingSinceMs = null;
    });

    void pump();
    return stream;
  };
