// Restarts the replicas of compose.yaml in turn, as docs/deployment.md says, under the load of 20 connections. Fails if a request
// fails. Expects that `docker compose up --wait` has started everything. Pass another command that runs Docker by DOCKER.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const base = 'http://127.0.0.1:4000';
const connections = 20;
const [docker = 'docker', ...dockerArgs] = (process.env.DOCKER ?? 'docker').split(' ');
const headers = { 'content-type': 'application/json', 'x-csrf': '1' };

const signIn = async () => {
  const body = JSON.stringify({ json: { email: 'user@example.com', password: 'staff-pass-1' } });
  const response = await fetch(`${base}/trpc/session.login`, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`The sign-in failed with ${response.status}: ${await response.text()}`);
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
};

const cookie = await signIn();
/** Reads and writes: nginx never sends a write to a second replica after the first one has received it. */
const requests = [
  () => fetch(`${base}/bff/api/session`, { headers: { cookie } }),
  () => fetch(`${base}/bff/api/users/5`, { headers: { cookie } }),
  (serial) =>
    fetch(`${base}/bff/api/assignments/TTS/Technician/next`, {
      method: 'POST',
      headers: { ...headers, cookie },
      body: JSON.stringify({ key: `TICKET-${serial % 500}` }),
    }),
];

const counts = {};
let serial = 0;
const over = new AbortController();
const load = async () => {
  while (!over.signal.aborted) {
    serial += 1;
    const outcome = await requests[serial % requests.length](serial).then(
      async (response) => {
        await response.text();
        return response.status;
      },
      (error) => error.cause?.code ?? error.message,
    );
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    // The load is that of people at a desk: a burst would be refused by the rate limit of one address.
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
};

const loads = Array.from({ length: connections }, load);
for (const replica of ['bff-1', 'bff-2']) {
  await promisify(execFile)(docker, [...dockerArgs, 'compose', 'restart', replica]);
  process.stdout.write(`Restarted ${replica}.\n`);
}
over.abort();
await Promise.all(loads);
process.stdout.write(`${JSON.stringify(counts)}\n`);
const { 200: succeeded = 0, ...failed } = counts;
if (succeeded === 0 || Object.keys(failed).length > 0) process.exitCode = 1;
