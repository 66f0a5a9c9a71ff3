// A project that declares Request.user itself, as another package may have done.
import { requireAuth } from '@auth-bff/middleware/express';
import express from 'express';

declare global {
  namespace Express {
    interface Request {
      user?: { id: string };
    }
  }
}

export const app = express();
app.use(requireAuth({ jwks: 'https://bff.example.org/bff/jwks.json', audience: 'tickets' }));
app.get('/', (request, response) => void response.json({ id: request.user?.id.trim(), auth: request.auth?.id }));
// @ts-expect-error The declared type counts.
app.get('/', (request, response) => void response.json(request.user?.user_id));
// @ts-expect-error Exactly one of jwks and signingKeys.
requireAuth({ jwks: 'https://bff.example.org/bff/jwks.json', signingKeys: ['a'] });
// @ts-expect-error One of them.
requireAuth({});
