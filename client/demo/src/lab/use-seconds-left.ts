import { useAuthClient } from '@auth-bff/client/react';
import { useEffect, useState } from 'react';

/** Whole seconds until the access token expires, counted down. Null if unknown. */
export const useSecondsLeft = (): number | null => {
  const { session } = useAuthClient();
  const [seconds, setSeconds] = useState(session.current.expiresIn);
  useEffect(() => {
    const look = () => setSeconds(session.current.expiresIn);
    look();
    const unsubscribe = session.subscribe(look);
    const timer = setInterval(look, 500);
    return () => {
      clearInterval(timer);
      unsubscribe();
    };
  }, [session]);
  return seconds;
};
