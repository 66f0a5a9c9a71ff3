import { requestIdPattern } from '../../../shared/src/index.ts';

/** A problem as in RFC 9457, with our reason. */
const isProblem = (body: unknown, status: number): boolean => {
  const { status: stated, reason, detail } = body as { status?: unknown; reason?: unknown; detail?: unknown };
  return stated === status && typeof reason === 'string' && typeof detail === 'string';
};

type Body = { error?: { json?: { message?: unknown; code?: unknown; data?: { code?: unknown; reason?: unknown } } } };

const isError = ({ error }: Body): boolean =>
  typeof error?.json?.message === 'string' &&
  typeof error.json.code === 'number' &&
  typeof error.json.data?.code === 'string' &&
  typeof error.json.data.reason === 'string';

/** Decodes a chunked body. Returns the body and the bytes after it. */
export const unchunk = (text: string): [body: string, rest: string] => {
  let body = '';
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at);
    const length = Number.parseInt(text.slice(at, end), 16);
    // An aborted stream can end anywhere.
    if (end < 0 || Number.isNaN(length)) return [body, ''];
    if (length === 0) return [body, text.slice(end + 4)];
    body += text.slice(end + 2, end + 2 + length);
    at = end + 2 + length + 2;
  }
};

const faultOfOne = (head: string, body: string): string | null => {
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  if (Number.isNaN(status)) return 'The bytes are not an HTTP response.';
  const isUnsupported = status === 501 && body.includes('"reason":"not_supported"');
  if (status >= 500 && status !== 503 && !isUnsupported) return `The status is ${status}.`;
  if (/^\s+at .+:\d+:\d+/m.test(body) || body.includes('"stack"')) return 'The response contains a stack.';
  const requestId = /^x-request-id: (.*?)\r?$/im.exec(head)?.[1] ?? '';
  if (!requestIdPattern.test(requestId)) return 'The response has no request id.';
  if (!/^x-content-type-options: nosniff\r?$/im.test(head))
    return 'The response lacks x-content-type-options: nosniff.';
  if (body === '') return null;
  const isStream = /^transfer-encoding: chunked\r?$/im.test(head);
  const isForRest = /^content-type: application\/problem\+json\r?$/im.test(head);
  if (!isForRest && !/^content-type: application\/(json|jsonl)\b/im.test(head)) return 'The content-type is not JSON.';
  try {
    for (const line of isStream ? body.trim().split('\n') : [body]) {
      const parsed = JSON.parse(line) as Body | Body[];
      const answers = Array.isArray(parsed) ? parsed : [parsed];
      if (isForRest) {
        if (!isProblem(parsed, status)) return 'The body is not a problem.';
      } else if (status >= 400 && !isStream && !answers.every(isError)) return 'The body is not a tRPC error.';
    }
    return null;
  } catch {
    return 'The body is not JSON.';
  }
};

/** Checks all responses of a connection (bytes as latin1), independent of the requests. Returns the first fault, or null. */
export const faultOf = (answers: string): string | null => {
  for (let left = answers; ; ) {
    const at = left.indexOf('\r\n\r\n');
    if (at < 0) return left === answers && left !== '' ? 'The bytes are not an HTTP response.' : null;
    const [head, rest] = [left.slice(0, at), left.slice(at + 4)];
    const isInterim = head.startsWith('HTTP/1.1 100 ');
    const length = Number(/^content-length: (\d+)\r?$/im.exec(head)?.[1] ?? 0);
    const isChunked = /^transfer-encoding: chunked\r?$/im.test(head);
    // A response to HEAD has a content-length but no body.
    const isBare = rest === '' || rest.startsWith('HTTP/1.1 ');
    const [body, behind] = isBare
      ? ['', rest]
      : isChunked
        ? unchunk(rest)
        : [rest.slice(0, length), rest.slice(length)];
    const fault = isInterim ? null : faultOfOne(head, body);
    if (fault !== null || behind === '') return fault;
    left = behind;
  }
};
