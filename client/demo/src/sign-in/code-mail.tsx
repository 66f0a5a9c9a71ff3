import { useQuery } from '@tanstack/react-query';
import { devRoutes } from '../lab/dev-routes.ts';
import { useLab } from '../lab/lab-context.tsx';
import { DemoMail } from './demo-mail.tsx';

type CodeMailProps = {
  email: string;
  /** Changes with each mail that is sent. */
  sent: string;
  onUse: (code: string) => void;
};

/** The mail with the code, in place of a mail program. */
export const CodeMail = ({ email, sent, onUse }: CodeMailProps) => {
  const { queryClient } = useLab();
  const { data: code } = useQuery(
    {
      queryKey: ['last-code', email, sent],
      queryFn: () => devRoutes.lastCode(email),
      refetchInterval: ({ state }) => (state.data == null ? 1_000 : false),
    },
    queryClient,
  );
  return (
    <DemoMail
      body={code == null ? null : <strong className="mail-code">{code}</strong>}
      action={
        <button type="button" className="quiet" disabled={code == null} onClick={() => onUse(code ?? '')}>
          Use it
        </button>
      }
    />
  );
};
