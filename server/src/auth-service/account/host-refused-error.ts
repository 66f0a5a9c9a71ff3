import { AppError } from '../../errors.ts';

/**
 * The Auth Service does not answer requests for this `Host`, which the links in reset mails need: ALLOWED_HOSTS lacks it. It
 * is so for every request, whatever it asks.
 */
export class HostRefusedError extends AppError {}
