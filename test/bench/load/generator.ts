import { connect } from 'node:net';
import { createResponseReader } from './response-reader.ts';
import type { Load, LoadResult } from './load.ts';

/** The percentile of sorted values. `share`: 0 to 1. */
const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** Sends requests over keep-alive connections, one in flight on each, and measures the responses. */
const run = ({
  port,
  requests,
  status,
  connections,
  durationMs,
  maxRequests = Number.POSITIVE_INFINITY,
  perSecond,
}: Load): Promise<LoadResult> =>
  new Promise((resolve) => {
    const bytesOf = requests.map((request) => Buffer.from(request));
    const latencies: number[] = [];
    const idle: Array<(dueAtMs: number) => void> = [];
    /** Due times of requests that wait for a connection. */
    const due: number[] = [];
    let [sent, failed, bytes, open] = [0, 0, 0, 0];
    const startedAtMs = performance.now();
    const cpuBefore = process.cpuUsage();
    const endsAtMs = startedAtMs + durationMs;
    let isOver = false;

    const finish = () => {
      const seconds = (performance.now() - startedAtMs) / 1_000;
      const { user, system } = process.cpuUsage(cpuBefore);
      const sorted = Float64Array.from(latencies).toSorted();
      resolve({
        answers: latencies.length,
        failed,
        seconds,
        bytes,
        medianMs: percentile(sorted, 0.5),
        p99Ms: percentile(sorted, 0.99),
        cpu: (user + system) / 1e6 / seconds,
      });
    };

    const openOne = () => {
      const socket = connect(port, '127.0.0.1');
      socket.setNoDelay(true);
      open += 1;
      let sentAtMs = 0;
      const send = (dueAtMs: number) => {
        sentAtMs = dueAtMs;
        socket.write(bytesOf[sent % bytesOf.length] ?? '');
        sent += 1;
      };
      const next = () => {
        const nowMs = performance.now();
        if (nowMs >= endsAtMs || sent >= maxRequests) return void socket.end();
        if (perSecond === undefined) return send(nowMs);
        const dueAtMs = due.shift();
        if (dueAtMs === undefined) idle.push(send);
        else send(dueAtMs);
      };
      const read = createResponseReader((answered, length) => {
        latencies.push(performance.now() - sentAtMs);
        bytes += length;
        if (answered !== status) failed += 1;
        next();
      });
      socket.on('data', read);
      socket.once('connect', next);
      socket.on('error', () => (failed += 1));
      socket.once('close', () => {
        open -= 1;
        if (open > 0 || isOver) return;
        isOver = true;
        finish();
      });
    };
    for (let index = 0; index < connections; index += 1) openOne();

    if (perSecond === undefined) return;
    let begun = 0;
    const timer = setInterval(() => {
      const nowMs = performance.now();
      while (startedAtMs + (begun * 1_000) / perSecond <= nowMs) {
        const dueAtMs = startedAtMs + (begun * 1_000) / perSecond;
        begun += 1;
        const send = idle.shift();
        if (send === undefined) due.push(dueAtMs);
        else send(dueAtMs);
      }
      if (nowMs < endsAtMs) return;
      clearInterval(timer);
      // Idle connections get no response that would close them, so close them here.
      due.length = 0;
      for (const send of idle.splice(0)) send(nowMs);
    }, 1);
  });

process.on('message', (load: Load) => void run(load).then((result) => process.send?.(result)));
process.on('disconnect', () => process.exit(0));
