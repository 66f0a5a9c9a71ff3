import { type Reason, toPersonText } from '@auth-bff/shared';
import type { RequestMeta } from '../auth-service/caller.ts';
import type { KeyHasher } from './key-hasher.ts';
import { createBoundedMap } from './bounded-map.ts';
import { foldEmail } from '../rate-limit/fold-email.ts';
import type { Log } from './log.ts';
import type { Subject } from '../token/principal.ts';

/**
 * Why a session ended. `account_inactive`: its person was deactivated, rejected or deleted. `foreign_token`: the Auth
 * Service answered a refresh with the token of another person. `signed_out`: it was used after its sign-out.
 */
export type SessionEnd = 'account_inactive' | 'foreign_token' | 'signed_out';

type Email = {
  /** As entered. The line contains only its keyed hash, as `account`. Null: unknown. */
  email: string | null;
};
/** Who acted: a person, or a service that called without one. */
export type Actor = { person: Subject | null; service: string | null };
type Tokens = {
  /** Fingerprints of the tokens, for deduplication; they are not logged. Empty: no token is valid. */
  tokens: readonly string[];
};

/** The fields of each event. */
type AuditDetails = {
  sign_in: Email & { person: Subject };
  /** `client_left`: the sign-in succeeded, but the client disconnected before it received the cookies. */
  sign_in_failed: Email & { reason: Reason | 'client_left'; person?: Subject };
  second_factor_failed: Email & { reason: Reason };
  refresh_refused: Tokens & { reason: Reason; person: Subject | null };
  sign_out: Tokens & { person: Subject };
  sign_out_everywhere: { person: Subject };
  session_ended: Tokens & { reason: SessionEnd; person: Subject | null };
  /** `service`: the name of the service that called without a person. */
  permission_denied: { procedure: string; person: Subject | null; service: string | null };
  password_changed: { person: Subject };
  /** `person` or `service` made the change; `of` is away or back. */
  availability_changed: Actor & { of: Subject; system: string; away: boolean };
  /** Both are null if the operator used the command line. */
  turns_reset: Actor & { system: string; role: string };
};

export type AuditEvent = { [Name in keyof AuditDetails]: { audit: Name } & AuditDetails[Name] }[keyof AuditDetails];

export type AuditOptions = {
  log: Log;
  keyHasher: KeyHasher;
  /** The network of an address: the /64 of an IPv6 address, because one customer owns all of it. */
  networkOf: (address: string) => string;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
};

const minuteMs = 60_000;
/** Events that are written once per token (or per network, if no token is valid) within this time. Other events are always written. */
const deduplicatedForMs: Partial<Record<AuditEvent['audit'], number>> = {
  refresh_refused: minuteMs,
  sign_out: minuteMs,
  session_ended: 60 * minuteMs,
};
const maxRemembered = 20_000;
/** Hexadecimal digits of an account's hash: 128 bits. */
const accountLength = 32;

/**
 * Writes audit events as log lines. They contain no e-mail address: `account` is a keyed hash of the normalised address, so
 * that attempts at one account can be counted.
 */
export const createAudit = ({ log, keyHasher, networkOf, monotonicNow }: AuditOptions) => {
  const writtenAtMs = createBoundedMap<string, number>(maxRemembered);

  // Hexadecimal: a base64url hash may look like a token by chance, and be hidden in the log.
  const accountOf = (email: string): string =>
    Buffer.from(keyHasher('audit account', foldEmail(email)), 'base64url')
      .toString('hex')
      .slice(0, accountLength);

  /** A client that repeats a rejected token must not fill the log. */
  const isRepeated = (event: AuditEvent, network: string | undefined): boolean => {
    const forMs = deduplicatedForMs[event.audit];
    if (forMs === undefined) return false;
    const kind = event.audit === 'refresh_refused' ? `${event.audit} ${event.reason}` : event.audit;
    const tokens = 'tokens' in event && event.tokens.length > 0 ? event.tokens : [`network ${network}`];
    const keys = tokens.map((token) => `${kind} ${token}`);
    const isRecent = (key: string) => monotonicNow() - (writtenAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < forMs;
    if (keys.some(isRecent)) return true;
    for (const key of keys) writtenAtMs.set(key, monotonicNow());
    return false;
  };

  const write = (fields: object): void => {
    if (log.audit === undefined) log.info(fields, 'audit');
    else log.audit(fields, 'audit');
  };

  return {
    /** Writes an event of a request. Unknown fields are omitted. */
    write(event: AuditEvent, { address, requestId }: RequestMeta): void {
      const network = address === undefined || address === '' ? undefined : networkOf(address);
      if (isRepeated(event, network)) return;
      const email = 'email' in event ? event.email : null;
      const person = 'person' in event ? (event.person ?? null) : null;
      write({
        audit: event.audit,
        person: person === null ? undefined : toPersonText(person),
        service: 'service' in event ? (event.service ?? undefined) : undefined,
        reason: 'reason' in event ? event.reason : undefined,
        procedure: 'procedure' in event ? event.procedure : undefined,
        of: 'of' in event ? toPersonText(event.of) : undefined,
        system: 'system' in event ? event.system : undefined,
        role: 'role' in event ? event.role : undefined,
        away: 'away' in event ? event.away : undefined,
        network,
        account: email === null ? undefined : accountOf(email),
        requestId,
      });
    },
  };
};

export type Audit = ReturnType<typeof createAudit>;
