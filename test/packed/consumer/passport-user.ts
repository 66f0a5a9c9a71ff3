// A project with @types/passport, which declares Request.user as Express.User.
import { type JwtPayload, requireAuth } from '@auth-bff/middleware/express';
import express from 'express';
import 'passport';

declare global {
  namespace Express {
    interface User extends JwtPayload {}
  }
}

export const app = express();
app.use(requireAuth({ signingKeys: ['a'.repeat(32)] }));
app.get('/', (request, response) => void response.json(request.user?.exp.toFixed()));
