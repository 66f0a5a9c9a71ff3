import { useQuery } from '@tanstack/react-query';
import { createElement, type FC, memo } from 'react';
import { reasonOf } from '../../../client/src/index.ts';
import { useSession, useTRPC } from '../../../client/src/react.ts';

export const failure = (error: unknown) => String(reasonOf(error));

/** Renders the state of the session and the person's name. */
export const Header: FC = () => {
  const { state, user } = useSession();
  return createElement('b', null, `${state} ${user?.fullName ?? 'nobody'}. `);
};

/** Renders data of the signed-in person. Its props never change, so only its own query re-renders it. */
export const Mine = memo(function Mine() {
  const { data, error } = useQuery(useTRPC().users.me.queryOptions());
  return createElement('i', null, data?.firstName ?? (error ? failure(error) : 'loading'));
});

export const Me: FC = () => {
  const { data, error } = useQuery(useTRPC().session.me.queryOptions());
  return createElement('u', null, data?.user.fullName ?? (error ? failure(error) : 'loading'));
};

export const Found: FC<{ id: number }> = ({ id }) => {
  const { data, error } = useQuery(useTRPC().users.byId.queryOptions({ id }));
  return data ? `${data.firstName} ${data.lastName}` : error ? failure(error) : 'loading';
};
