import { randomKey } from '../cookies.ts';

/**
 * Django's own sessions. They sign nobody in: a session holds at most the system that its person chose, which
 * shortens every list of roles. That is why the BFF must never forward a `sessionid`.
 */
export const createDjangoSessions = () => {
  const chosen = new Map<string, string | null>();

  return {
    begin: (): string => {
      const sessionId = randomKey();
      chosen.set(sessionId, null);
      return sessionId;
    },
    end: (sessionId: string): void => void chosen.delete(sessionId),
    /** False: there is no such session. */
    choose: (sessionId: string, system: string): boolean => {
      if (!chosen.has(sessionId)) return false;
      chosen.set(sessionId, system);
      return true;
    },
    chosenSystem: (sessionId: string): string | null => chosen.get(sessionId) ?? null,
  };
};

export type DjangoSessions = ReturnType<typeof createDjangoSessions>;
