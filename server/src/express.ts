export * from '@auth-bff/middleware/express';
