import type { Profile, RouterInputs } from '@auth-bff/client';
import { useTRPC } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Facts, type FactsProps } from '../desk/facts.tsx';
import { FormMessage } from '../forms/form-message.tsx';
import { TextField } from '../forms/text-field.tsx';
import { useFieldErrors } from '../forms/use-field-errors.ts';
import { useWait } from '../forms/use-wait.ts';
import { accountWords } from './account-words.ts';
import { useProfileUpdate } from './use-profile.ts';

type Changes = RouterInputs['account']['updateProfile'];
type Field = {
  name: keyof Changes;
  label: string;
  autoComplete: string;
  maxLength: number;
  hint?: string;
  /** Default: both. */
  only?: Profile['type'];
};

const fields: readonly Field[] = [
  { name: 'firstName', label: 'First name', autoComplete: 'given-name', maxLength: 150 },
  { name: 'middleName', label: 'Middle name', autoComplete: 'additional-name', maxLength: 150 },
  { name: 'lastName', label: 'Last name', autoComplete: 'family-name', maxLength: 150 },
  { name: 'suffix', label: 'Suffix', autoComplete: 'honorific-suffix', maxLength: 10, hint: 'For example Jr. or III' },
  { name: 'username', label: 'Username', autoComplete: 'nickname', maxLength: 150, only: 'staff' },
  { name: 'phoneNumber', label: 'Phone', autoComplete: 'tel', maxLength: 20, hint: 'For example +639171234567' },
  {
    name: 'department',
    label: 'Department',
    autoComplete: 'off',
    maxLength: 150,
    hint: 'IT Department, Asset Department or Budget Department',
    only: 'employee',
  },
];
const names = fields.map(({ name }) => name);

/** Only the fields that differ: some people may change only a few, and the others would be refused. */
const changesOf = (profile: Profile, typed: Readonly<Record<string, string>>): Changes =>
  Object.fromEntries(
    Object.entries(typed).filter(([name, value]) => value !== (profile[name as keyof Changes] ?? '')),
  ) as Changes;

/** The profile as a form. The Auth Service decides which fields a person may change, and says so when it is saved. */
export const ProfileCard = ({ profile }: { profile: Profile }) => {
  const trpc = useTRPC();
  const { show } = useProfileUpdate();
  const [typed, setTyped] = useState<Record<string, string>>({});
  const save = useMutation(
    trpc.account.updateProfile.mutationOptions({
      onSuccess: (saved) => {
        show(saved);
        setTyped({});
      },
    }),
  );
  const { form, errors, clear } = useFieldErrors(save.error);
  const wait = useWait(save);
  const changes = changesOf(profile, typed);
  const isChanged = Object.keys(changes).length > 0;
  const canSave = isChanged && wait.seconds === 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (canSave && !save.isPending) save.mutate(changes);
  };
  const known: FactsProps['facts'] = [
    ['E-mail', profile.email],
    ['Company ID', profile.companyId],
    ['Status', profile.status],
    ['Systems', profile.systems.join(', ')],
  ];
  const facts = known.filter(([, value]) => value !== null && value !== '');
  return (
    <section className="card" aria-labelledby="profile-title">
      <header className="card-head">
        <h3 id="profile-title">Profile</h3>
        <span className="badge" data-system={profile.type}>
          {profile.type === 'staff' ? 'Staff' : 'Employee'}
        </span>
      </header>
      <Facts facts={facts} className="account-facts" />
      <form className="form" onSubmit={submit} noValidate ref={form}>
        {fields
          .filter(({ only }) => only === undefined || only === profile.type)
          .map(({ name, label, autoComplete, maxLength, hint }) => (
            <TextField
              key={name}
              label={label}
              autoComplete={autoComplete}
              maxLength={maxLength}
              hint={hint}
              id={`profile-${name}`}
              value={typed[name] ?? profile[name] ?? ''}
              error={errors[name]}
              onChange={(value) => {
                setTyped({ ...typed, [name]: value });
                clear(name);
                if (!save.isIdle) save.reset();
              }}
            />
          ))}
        <FormMessage
          error={accountWords(wait.error ?? save.error, names)}
          wait={wait}
          success={save.isSuccess ? 'Your profile is saved.' : ''}
        />
        <div className="actions">
          {/* Not `disabled`: the button would lose the focus when the profile is saved. */}
          <button type="submit" className="primary" aria-busy={save.isPending} aria-disabled={!canSave}>
            {save.isPending ? 'Saving…' : 'Save'}
          </button>
        </div>
      </form>
    </section>
  );
};
