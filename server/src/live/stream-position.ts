/**
 * Not an event: where a stream begins. A client that disconnects before the first event resumes from there, so that it misses
 * none of the events between its two connections.
 */
export class StreamPosition {
  /** The id of the last event before the stream. */
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }
}

/** The events alone. */
export async function* withoutPositions<Event>(items: AsyncIterable<Event | StreamPosition>): AsyncGenerator<Event> {
  for await (const item of items) if (!(item instanceof StreamPosition)) yield item;
}
