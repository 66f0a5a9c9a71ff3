// The setup that each system uses without the BFF: Express 5 and the middleware copied from the integration guide.
import cookieParser from 'cookie-parser';
import express from 'express';
import jwt from 'jsonwebtoken';
import { signingKey, reportPort, users } from './listen.mjs';

// oxlint-disable-next-line typescript/consistent-return -- copied from the guide
const authMiddleware = (req, res, next) => {
  const token = req.cookies.access_token || req.headers.authorization?.replace('Bearer ', '');
  if (!token) return res.status(401).json({ error: 'Authentication required' });
  try {
    req.user = jwt.verify(token, signingKey);
    next();
  } catch {
    return res.status(401).json({ error: 'Invalid token' });
  }
};

const app = express();
app.use(cookieParser());
app.get('/users/:id', authMiddleware, (req, res) => {
  res.json(users.get(Number(req.params.id)));
});
const server = app.listen(0, '127.0.0.1', () => reportPort(server.address().port));
