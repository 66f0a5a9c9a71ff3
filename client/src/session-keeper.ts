import { sessionExpiresInHeader, sessionRefreshInHeader } from '@auth-bff/shared';
import { type AheadOfTimeOptions, createAheadOfTime, type Page } from './ahead-of-time.ts';
import type { Clock } from './clock.ts';
import { dataOf, sessionEnded } from './errors.ts';
import type { SessionCalls, SessionOutcome } from './session-calls.ts';
import type { SessionListener, SessionSnapshot, SessionUser } from './session-snapshot.ts';
import { type Channel, createTabs, type Locks, type TabMessage } from './tabs.ts';

export type SessionKeeperOptions = {
  /** What the lock of all tabs is called. */
  name: string;
  calls: SessionCalls;
  /** Called once, when a session that was there has ended. */
  onSignedOut?: (() => void) | undefined;
  clock: Clock;
  random: AheadOfTimeOptions['random'];
  page: Page | null;
  locks: Locks | null;
  channel: Channel | null;
  thresholdSeconds: number | null;
};

/** The error of a refresh that cannot be made here; the call's own error tells more. */
export class CannotRefresh extends Error {}

/** The refresh under way. */
type Turn = {
  /** Aborts once nobody needs to wait for it any more. */
  left: AbortController;
  /** Aborts where what it brings must not replace the cookies that there are now. */
  cut: AbortController;
};
type Lifetime = { expiresIn: number; refreshIn: number };
type AnswerHeaders = Pick<Headers, 'get'>;

/** How long the session lives by an answer's headers; null where it does not speak of one. */
const lifetimeOf = (headers: AnswerHeaders): Lifetime | null => {
  const [expiresIn, refreshIn] = [sessionExpiresInHeader, sessionRefreshInHeader].map((name) => {
    const text = headers.get(name) ?? '';
    return /^\d{1,9}$/.test(text) ? Number(text) : null;
  });
  return typeof expiresIn === 'number' && typeof refreshIn === 'number' ? { expiresIn, refreshIn } : null;
};

const isSamePerson = (a: SessionUser | null, b: SessionUser) => a !== null && a.id === b.id && a.type === b.type;

/** Runs the user's own code, whose fault is its own: it shows up as any uncaught error, and stops nothing here. */
const runGuarded = (task: () => void) => {
  try {
    task();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
};

/**
 * Knows the session of this tab, refreshes it once for everybody who waits, and tells the other tabs.
 *
 * The epoch counts the sessions' tokens: it goes up with each refresh and each sign-in, here or in another
 * tab. A call that was sent in an earlier epoch and refused needs no refresh; it only has to be sent again.
 */
export const createSessionKeeper = (options: SessionKeeperOptions) => {
  const { calls, onSignedOut, clock, locks } = options;
  const listeners = new Set<SessionListener>();
  let epoch = 0;
  let state: SessionSnapshot['state'] = 'unknown';
  let user: SessionUser | null = null;
  let expiresAtMs: number | null = null;
  let snapshot: SessionSnapshot = { state, user, expiresIn: null };
  let underWay: Promise<void> | null = null;
  let turn: Turn | null = null;
  let isDisposed = false;

  const current = (): SessionSnapshot => {
    const expiresIn = expiresAtMs === null ? null : Math.max(0, Math.floor((expiresAtMs - clock.now()) / 1000));
    // The same object while it says the same: views compare it by identity.
    if (snapshot.state !== state || snapshot.user !== user || snapshot.expiresIn !== expiresIn) {
      snapshot = { state, user, expiresIn };
    }
    return snapshot;
  };

  const tellListeners = () => {
    const told = current();
    // Those of now: a listener may subscribe another.
    const all = [...listeners];
    for (const listener of all) runGuarded(() => listener(told));
  };

  const isThere = () => state === 'signed_in' || state === 'changed';

  const live = (lifetime: Lifetime | null, isNew: boolean) => {
    if (lifetime === null) return;
    expiresAtMs = clock.now() + lifetime.expiresIn * 1000;
    ahead.plan({ ...lifetime, isNew });
  };

  const advance = (atLeast = 0) => {
    epoch = Math.max(epoch + 1, atLeast);
    turn?.left.abort();
  };

  /** A session lives: of `next`, or of who it was. Nobody knows that a sign-in is of the person who was there unnamed. */
  const enter = (next: SessionUser | null, isSignIn: boolean) => {
    const isOther = isThere() && next !== null && (isSignIn || user !== null) && !isSamePerson(user, next);
    state = isOther ? 'changed' : 'signed_in';
    user = next ?? user;
  };

  const end = () => {
    const before = state;
    const wasThere = isThere();
    state = 'signed_out';
    user = null;
    expiresAtMs = null;
    turn?.cut.abort();
    advance();
    ahead.forget();
    if (before === 'signed_out' || isDisposed) return;
    tellListeners();
    if (wasThere && onSignedOut) runGuarded(onSignedOut);
  };

  const onMessage = (message: TabMessage) => {
    if (message.type === 'signed_out') {
      // A tab that nobody has used yet has no session to lose, and stays as it is.
      if (state !== 'unknown') end();
      return;
    }
    const isSignIn = message.type === 'signed_in';
    // A refresh that was under way at the sign-out does not bring the session back.
    if (state === 'signed_out' && !isSignIn) return;
    if (isSignIn) turn?.cut.abort();
    const { expiresIn, refreshIn } = message;
    enter(message.user, isSignIn);
    advance(message.epoch);
    live(expiresIn === null || refreshIn === null ? null : { expiresIn, refreshIn }, true);
    tellListeners();
  };

  const tabs = createTabs({ ...options, onMessage });

  const tell = (type: 'refreshed' | 'signed_in', next: SessionUser | null, lifetime: Lifetime | null) =>
    tabs.tell({ type, epoch: epoch + 1, expiresIn: null, refreshIn: null, ...lifetime, user: next });

  const tellSignedOut = () => {
    // A visitor who had no session has none to lose.
    if (isThere()) tabs.tell({ type: 'signed_out' });
  };

  const renewed = (lifetime: Lifetime | null) => {
    advance();
    live(lifetime, true);
    tellListeners();
  };

  /** Whether the tokens are newer than those we know of, or good although a call has been refused. */
  const isNewer = ({ headers }: { headers: AnswerHeaders }, isRefused: boolean) => {
    if (isRefused || expiresAtMs === null) return true;
    const lifetime = lifetimeOf(headers);
    return lifetime !== null && clock.now() + lifetime.expiresIn * 1000 > expiresAtMs + 1000;
  };

  /** Refreshes, if that is still to be done once it is our turn, and tells the other tabs before it is theirs. */
  const takeTurn = async (
    { left, cut }: Turn,
    isRefused: boolean,
    hasWaited: boolean,
  ): Promise<SessionOutcome | null> => {
    if (locks !== null && (isRefused || hasWaited)) {
      // Another tab may have refreshed meanwhile, and its word may be slower than the lock: the cookies know.
      const found = await calls.look();
      if (left.signal.aborted || (found.kind === 'live' && isNewer(found, isRefused))) return found;
    }
    const outcome = await calls.refresh(cut.signal);
    if (left.signal.aborted) return null;
    if (outcome.kind === 'live') tell('refreshed', outcome.session.user, lifetimeOf(outcome.headers));
    if (outcome.kind === 'superseded') tell('refreshed', null, null);
    if (outcome.kind === 'refused') tellSignedOut();
    return outcome;
  };

  const run = async (isRefused: boolean): Promise<void> => {
    const ours: Turn = { left: new AbortController(), cut: new AbortController() };
    turn = ours;
    const { signal } = ours.left;
    const outcome = await tabs.exclusively((hasWaited) => takeTurn(ours, isRefused, hasWaited), signal);
    if (outcome === null || signal.aborted) {
      if (state === 'signed_out') throw sessionEnded();
      return;
    }
    switch (outcome.kind) {
      case 'live':
        enter(outcome.session.user, false);
        return renewed(lifetimeOf(outcome.headers));
      case 'superseded':
        if (isThere()) enter(null, false);
        return renewed(null);
      case 'refused':
        end();
        throw sessionEnded();
      case 'failed':
        if (isThere()) ahead.coolDown(dataOf(outcome.error)?.retryAfterSeconds);
        throw outcome.error;
      case 'not_ours':
        ahead.forget();
        throw new CannotRefresh('The cookies or the token are sent by hand, so a refresh could not renew them.');
    }
  };

  /**
   * One refresh for all who ask meanwhile. `sentIn`: the epoch of the call that was refused; where that is over,
   * the call needs no refresh of its own, and does not mind how one under way ends.
   */
  const refresh = (sentIn?: number): Promise<void> => {
    if (sentIn !== undefined && sentIn < epoch) {
      const goOn = () => {
        if (state === 'signed_out') throw sessionEnded();
      };
      return (underWay ?? Promise.resolve()).then(goOn, goOn);
    }
    underWay ??= run(sentIn !== undefined).finally(() => {
      underWay = null;
      turn = null;
    });
    return underWay;
  };

  const ahead = createAheadOfTime({ ...options, refresh: () => refresh() });

  return {
    current,
    refresh,
    now: clock.now,
    /** Which tokens a call that is sent now goes with. */
    epoch: () => epoch,
    /** A call is made: reason enough to refresh where that is due. */
    onCall: ahead.check,

    /**
     * An answer came, and may have named the person. `sentIn`: the epoch that its call was sent in; what an earlier
     * one says is out of date.
     */
    onAnswer(headers: AnswerHeaders, sentIn: number, next: SessionUser | null = null): void {
      const lifetime = lifetimeOf(headers);
      if ((lifetime === null && next === null) || sentIn !== epoch || isDisposed) return;
      live(lifetime, false);
      if (isThere() && (next === null || isSamePerson(user, next))) return;
      // Whoever was not named before is the one who was there.
      enter(next, false);
      if (state === 'changed') tell('signed_in', next, null);
      tellListeners();
    },

    /** A call was refused although, or because, there was a session. */
    onRefused(reason: string, headers: AnswerHeaders, sentIn: number): void {
      const isOver = ['session_ended', 'token_invalid', 'no_token'].includes(reason);
      // What is said of the life of a token that is refused for good must not bring its session back.
      if (!isOver) this.onAnswer(headers, sentIn);
      if (sentIn !== epoch || isDisposed) return;
      // There was a session: if its refresh is refused, somebody has to be told.
      if (reason === 'token_expired' && state === 'unknown') state = 'signed_in';
      if (isOver && state !== 'signed_out') {
        tellSignedOut();
        end();
      }
    },

    /** A call of the user's own brought new tokens: somebody has signed in, or the session was renewed. */
    onTokens(type: 'refreshed' | 'signed_in', next: SessionUser, headers: AnswerHeaders): void {
      const isSignIn = type === 'signed_in';
      const lifetime = lifetimeOf(headers);
      if (isSignIn) turn?.cut.abort();
      enter(next, isSignIn);
      tell(type, next, lifetime);
      renewed(lifetime);
    },

    /** The person has signed out, in this tab. A refresh under way comes too late. */
    onSignedOut(): void {
      tabs.tell({ type: 'signed_out' });
      end();
    },

    subscribe(listener: SessionListener): () => void {
      const own: SessionListener = (told) => listener(told);
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },

    /** Leaves no timer and no listener behind. Calls that wait for a refresh still get it. */
    dispose(): void {
      isDisposed = true;
      listeners.clear();
      ahead.dispose();
      tabs.close();
    },
  };
};

export type SessionKeeper = ReturnType<typeof createSessionKeeper>;
