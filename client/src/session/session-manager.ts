import { type AheadOfTimeOptions, createAheadOfTime } from './refresh-scheduler.ts';
import { type AnswerHeaders, type Lifetime, lifetimeOf, personOf } from './session-headers.ts';
import type { Clock } from '../clock.ts';
import { dataOf, sessionEnded } from '../errors.ts';
import type { Page } from './page.ts';
import type { RefreshOutcome, SessionCalls, SessionOutcome } from './session-requests.ts';
import { isSamePerson, type SessionListener, type SessionSnapshot, type SessionUser } from './session-snapshot.ts';
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
  refreshWhileHidden: boolean;
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

const isUnnamed = ({ email, fullName }: SessionUser) => email === null && fullName === null;

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
 * The epoch counts the sessions' tokens: it goes up with each refresh, each sign-in and each change of person, here or
 * in another tab. A call that was sent in an earlier epoch and refused needs no refresh; it only has to be sent again.
 */
export const createSessionKeeper = (options: SessionKeeperOptions) => {
  const { calls, onSignedOut, clock, locks } = options;
  const listeners = new Set<SessionListener>();
  let epoch = 0;
  /** The epoch that the person who is there came with. */
  let personSince = 0;
  let state: SessionSnapshot['state'] = 'unknown';
  let user: SessionUser | null = null;
  let expiresAtMs: number | null = null;
  let snapshot: SessionSnapshot = { state, user, expiresIn: null };
  let underWay: Promise<void> | null = null;
  let turn: Turn | null = null;
  let loading: Promise<void> | null = null;
  let restoring: Promise<void> | null = null;
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

  /** `goesOn`: the refresh under way is not superseded. It may be of either of two people, and its outcome says of whom. */
  const advance = (atLeast = 0, goesOn = false) => {
    epoch = Math.max(epoch + 1, atLeast);
    if (!goesOn) turn?.left.abort();
  };

  /** A session lives: of `next`, or of the same person as before. A sign-in after an unnamed person counts as another's. */
  const enter = (next: SessionUser | null, isSignIn: boolean) => {
    const isOther = isThere() && next !== null && (isSignIn || user !== null) && !isSamePerson(user, next);
    if (isOther || (state === 'signed_out' && next !== null)) personSince = epoch + 1;
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
    const { type, expiresIn, refreshIn } = message;
    const isChange = type === 'changed';
    // A refresh that was under way at the sign-out does not bring the session back.
    if (state === 'signed_out' && type === 'refreshed') return;
    // This tab has found out by itself.
    if (isChange && isThere() && isSamePerson(user, message.user)) return;
    if (type === 'signed_in') turn?.cut.abort();
    enter(message.user, type !== 'refreshed');
    advance(message.epoch, isChange);
    live(expiresIn === null || refreshIn === null ? null : { expiresIn, refreshIn }, !isChange);
    tellListeners();
  };

  const tabs = createTabs({ ...options, onMessage });

  const tell = (type: Exclude<TabMessage['type'], 'signed_out'>, next: SessionUser | null, lifetime: Lifetime | null) =>
    tabs.tell({ type, epoch: epoch + 1, expiresIn: null, refreshIn: null, ...lifetime, user: next });

  const tellSignedOut = () => {
    // A visitor who had no session has none to lose.
    if (isThere()) tabs.tell({ type: 'signed_out' });
  };

  const renewed = (lifetime: Lifetime | null, isNew = true) => {
    advance();
    live(lifetime, isNew);
    tellListeners();
  };

  /** Whether the tokens are newer than those we know of, or good although a call has been refused. */
  const isNewer = ({ headers }: { headers: AnswerHeaders }, isRefused: boolean) => {
    if (isRefused || expiresAtMs === null) return true;
    const lifetime = lifetimeOf(headers);
    return lifetime !== null && clock.now() + lifetime.expiresIn * 1000 > expiresAtMs + 1000;
  };

  /** Refreshes, if that is still to be done once it is our turn, and tells the other tabs before it is theirs. */
  const takeTurn = async ({ left, cut }: Turn, isRefused: boolean, looked: Promise<SessionOutcome> | null) => {
    let outcome: RefreshOutcome | null = null;
    const found = await looked;
    if (found?.kind === 'refused' || (found?.kind === 'live' && isNewer(found, isRefused))) outcome = found;
    outcome ??= left.signal.aborted ? null : await calls.refresh(cut.signal);
    if (outcome === null || left.signal.aborted) return null;
    if (outcome.kind === 'live') {
      tell(outcome.isNew ? 'refreshed' : 'changed', outcome.session.user, lifetimeOf(outcome.headers));
    }
    if (outcome.kind === 'superseded') tell('refreshed', null, null);
    if (outcome.kind === 'refused') tellSignedOut();
    return outcome;
  };

  const run = async (isRefused: boolean, looksFirst: boolean): Promise<void> => {
    const ours: Turn = { left: new AbortController(), cut: new AbortController() };
    turn = ours;
    const { signal } = ours.left;
    const looked = looksFirst ? calls.look() : null;
    const outcome = await tabs.exclusively(
      (hasWaited) => {
        // Another tab may have refreshed meanwhile, and its message may be slower than the lock: the cookies know.
        const looksAgain = locks !== null && (isRefused || hasWaited);
        return takeTurn(ours, isRefused, looksAgain ? calls.look() : looked);
      },
      signal,
      looked,
    );
    if (outcome === null || signal.aborted) {
      if (state === 'signed_out') throw sessionEnded();
      return;
    }
    switch (outcome.kind) {
      case 'live':
        enter(outcome.session.user, false);
        return renewed(lifetimeOf(outcome.headers), outcome.isNew);
      case 'superseded':
        if (isThere()) enter(null, false);
        renewed(null);
        // Nobody said how long the newer token lives: the next refresh, or the look before it, finds out.
        return isThere() ? ahead.coolDown() : undefined;
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
  const refresh = (sentIn?: number, looksFirst = false): Promise<void> => {
    if (sentIn !== undefined && sentIn < epoch) {
      const goOn = () => {
        if (state === 'signed_out') throw sessionEnded();
      };
      return (underWay ?? Promise.resolve()).then(goOn, goOn);
    }
    underWay ??= run(sentIn !== undefined, looksFirst).finally(() => {
      underWay = null;
      turn = null;
    });
    return underWay;
  };

  // A hidden tab has time for a look: tabs of other origins refresh the same session, and it hears nothing of them.
  const ahead = createAheadOfTime({ ...options, refresh: ({ isHidden }) => refresh(undefined, isHidden) });

  /** An answer says whose session it is: this person's, perhaps with the names, or another person's. */
  const meet = (next: SessionUser, lifetime: Lifetime | null) => {
    if (isThere() && isSamePerson(user, next)) {
      if (isUnnamed(next) || (user?.email === next.email && user.fullName === next.fullName)) return;
      user = next;
    } else {
      const wasOut = state === 'signed_out';
      enter(next, false);
      if (wasOut || state === 'changed') {
        tell('changed', next, lifetime);
        advance(0, true);
      }
    }
    tellListeners();
  };

  const onAnswer = (headers: AnswerHeaders, sentIn: number, named: SessionUser | null = null): void => {
    const lifetime = lifetimeOf(headers);
    const next = named ?? personOf(headers);
    if (sentIn !== epoch || isDisposed) return;
    live(lifetime, false);
    if (next !== null) meet(next, lifetime);
    else if (lifetime !== null && !isThere()) {
      enter(null, false);
      tellListeners();
    }
  };

  const onEnd = () => {
    if (state === 'signed_out') return;
    tellSignedOut();
    end();
  };

  const askWhoIsThere = async (): Promise<void> => {
    const sentIn = epoch;
    const found = await calls.look();
    if (sentIn !== epoch || isDisposed) return;
    if (found.kind === 'live') onAnswer(found.headers, sentIn, found.session.user);
    if (found.kind === 'refused') onEnd();
    if (found.kind === 'expired') {
      if (state === 'unknown') state = 'signed_in';
      await refresh().catch(() => {});
    }
  };
  const load = (): Promise<void> => {
    loading ??= askWhoIsThere().finally(() => {
      loading = null;
    });
    return loading;
  };

  // The page was away, and heard nothing of the other tabs.
  const stopListening = options.page?.onRestore(() => {
    restoring ??= load().finally(() => {
      restoring = null;
    });
  });

  return {
    current,
    refresh,
    now: clock.now,
    /** Which tokens a call that is sent now goes with. */
    epoch: () => epoch,
    /** A call is made: reason enough to refresh where that is due. */
    onCall: ahead.onCall,

    /** Finds out who is signed in. Never rejects. */
    load,
    /** What calls wait for: a page that was away finds out who is signed in. Null: it knows. */
    restoring: () => restoring,

    /**
     * An answer came. `sentIn`: the epoch that its call was sent in; what an earlier one says is out of date. `named`:
     * the person, where the answer itself names them.
     */
    onAnswer,

    /** Whether an answer, to a call that was sent in `sentIn`, is of the person before. */
    isOfPrevious: (headers: AnswerHeaders, sentIn: number): boolean =>
      sentIn < personSince && !isSamePerson(user, personOf(headers)),

    /** A call was refused although, or because, there was a session. */
    onRefused(reason: string, headers: AnswerHeaders, sentIn: number): void {
      const isOver = ['session_ended', 'token_invalid', 'no_token'].includes(reason);
      // What is said of the life of a token that is refused for good must not bring its session back.
      if (!isOver) onAnswer(headers, sentIn);
      if (sentIn !== epoch || isDisposed) return;
      // There was a session: if its refresh is refused, somebody has to be told.
      if (reason === 'token_expired' && state === 'unknown') state = 'signed_in';
      if (isOver) onEnd();
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
      stopListening?.();
      ahead.dispose();
      tabs.close();
    },
  };
};

export type SessionKeeper = ReturnType<typeof createSessionKeeper>;
