/**
 * Django's own sessions. They sign nobody in: a session holds at most the system that its person chose, which
 * shortens every list of roles. That is why the BFF must never forward a `sessionid`.
 */
export const createDjangoSessions = () => {
  /** Systems by session id, in lower case. */
  const chosen = new Map<string, string>();

  return {
    choose(sessionId: string, system: string): void {
      // Without a session there is nothing to keep the choice in.
      if (sessionId !== '') chosen.set(sessionId, system);
    },
    chosenSystem: (sessionId: string): string | null => chosen.get(sessionId) ?? null,
    end: (sessionId: string): void => void chosen.delete(sessionId),
  };
};

export type DjangoSessions = ReturnType<typeof createDjangoSessions>;
