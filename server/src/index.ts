export { type App, type AppOptions, createApp } from './app.ts';
export { type Config, ConfigError, loadConfig } from './config.ts';
export { AppError } from './errors.ts';
export type { AppRouter } from './api/router.ts';
export type { Principal } from './token/principal.ts';
export type { VerifiedToken, Verifier } from './token/verified-token.ts';
export { createVerifier, type VerifierOptions } from './token/verifier.ts';
