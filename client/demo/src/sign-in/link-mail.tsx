import { useQuery } from '@tanstack/react-query';
import { devRoutes } from '../lab/dev-routes.ts';
import { useLab } from '../lab/lab-context.tsx';
import { DemoMail } from './demo-mail.tsx';

/** The mail with the link to a new password, in place of a mail program. */
export const LinkMail = ({ email, sentAtMs }: { email: string; sentAtMs: number }) => {
  const { queryClient } = useLab();
  const { data: link } = useQuery(
    {
      queryKey: ['last-reset-link', email, sentAtMs],
      queryFn: () => devRoutes.lastResetLink(email),
      refetchInterval: ({ state }) => (state.data == null ? 1_000 : false),
    },
    queryClient,
  );
  return (
    <DemoMail
      body={link == null ? null : <strong>Reset your password</strong>}
      action={
        link == null ? null : (
          <a className="button quiet" href={link}>
            Open the link
          </a>
        )
      }
    />
  );
};
