/** An event as an EventSource dispatches it. */
export type ServerEvent = { event: string; data: string; lastEventId: string };

/** Parses a stream of server-sent events. Source: HTML Standard, 9.2.6. Reads `\n` only, which is what the BFF writes. */
export const createEventParser = () => {
  const events: ServerEvent[] = [];
  let rest = '';
  let event = '';
  let data: string[] = [];
  let lastEventId = '';
  let retryMs: number | null = null;

  const dispatch = (): void => {
    if (data.length > 0) events.push({ event: event === '' ? 'message' : event, data: data.join('\n'), lastEventId });
    event = '';
    data = [];
  };

  const read = (line: string): void => {
    if (line === '') return dispatch();
    const at = line.indexOf(':');
    const name = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '');
    if (name === 'event') event = value;
    else if (name === 'data') data.push(value);
    else if (name === 'id') lastEventId = value;
    else if (name === 'retry' && /^\d+$/.test(value)) retryMs = Number(value);
  };

  return {
    add(part: string): void {
      const lines = `${rest}${part}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) read(line);
    },
    events: (): readonly ServerEvent[] => events,
    retryMs: () => retryMs,
  };
};
