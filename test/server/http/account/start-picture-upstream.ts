import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { serve } from '../../../support/app/serve.ts';

/** What the Auth Service stored. `file` is null if the picture was removed. */
export type Stored = {
  path: string;
  cookie: string;
  file: { name: string; type: string; bytes: Buffer } | null;
};

const staff = {
  id: 123,
  email: 'john@example.com',
  username: null,
  first_name: 'John',
  middle_name: null,
  last_name: 'Doe',
  suffix: null,
  phone_number: null,
  company_id: 'MA0001',
  department: null,
  status: 'Approved',
  notified: true,
  is_active: true,
  date_joined: '2024-01-02T03:04:05Z',
  last_login: null,
  otp_enabled: false,
  system_roles: [],
};
const { date_joined: createdAt, is_active: _, notified: __, ...common } = staff;
const employee = {
  ...common,
  id: 8,
  email: 'benjamin@example.com',
  full_name: 'Benjamin Strand',
  created_at: createdAt,
};

const readForm = async (request: IncomingMessage, body: Buffer): Promise<Stored['file']> => {
  const type = request.headers['content-type'] ?? '';
  if (type === 'application/json') return (JSON.parse(body.toString()) as { profile_picture: null }).profile_picture;
  const form = await new Response(Uint8Array.from(body), { headers: { 'content-type': type } }).formData();
  const file = form.get('profile_picture') as File;
  return { name: file.name, type: file.type, bytes: Buffer.from(await file.arrayBuffer()) };
};

export type UpstreamHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** An Auth Service that stores pictures as Django does: only after the whole request has arrived. */
export const startPictureUpstream = async () => {
  const stored: Stored[] = [];
  const state = { requests: 0, broken: 0, handler: null as UpstreamHandler | null };

  const store = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const file = await readForm(request, await buffer(request));
    stored.push({ path: request.url ?? '', cookie: request.headers.cookie ?? '', file });
    const isEmployee = request.url?.includes('/employees/') === true;
    const picture = file === null ? null : '/media/profile_pics/a.png';
    const body = isEmployee
      ? { employee: { ...employee, profile_picture: picture }, updated_fields: ['profile_picture'], message: 'ok' }
      : { ...staff, profile_picture: picture };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

  const server = await serve((request, response) => {
    // Other calls, such as checks of the service.
    if (request.method !== 'PATCH') return void response.writeHead(404).end();
    state.requests += 1;
    if (state.handler !== null) return state.handler(request, response);
    store(request, response).catch(() => {
      state.broken += 1;
      response.destroy();
    });
  });
  return { ...server, stored, state, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
};
