import type { Profile, RouterInputs } from '@auth-bff/client';
import { useTRPC } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { Facts, type FactsProps } from '../desk/facts.tsx';
import { TextField } from '../desk/text-field.tsx';
import { accountWords, fieldErrorsOf } from './account-words.ts';
import { Outcome } from './outcome.tsx';
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
  { name: 'suffix', label: 'Suffix', autoComplete: 'honorific-suffix', maxLength: 10, hint: 'Such as Jr. or III' },
  { name: 'username', label: 'User name', autoComplete: 'nickname', maxLength: 150, only: 'staff' },
  { name: 'phoneNumber', label: 'Phone', autoComplete: 'tel', maxLength: 20, hint: 'Such as +639171234567' },
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

/** The profile as a form. Which fields a person may change, the Auth Service says when it is saved. */
export const ProfileCard = ({ profile }: { profile: Profile }) => {
  const trpc = useTRPC();
  const { show } = useProfileUpdate();
  const [typed, setTyped] = useState<Record<string, string>>({});
  const form = useRef<HTMLFormElement>(null);
  const save = useMutation(
    trpc.account.updateProfile.mutationOptions({
      onSuccess: (saved) => {
        show(saved);
        setTyped({});
      },
      onError: (error) => {
        const first = names.find((name) => name in fieldErrorsOf(error));
        if (first !== undefined) form.current?.querySelector<HTMLInputElement>(`#profile-${first}`)?.focus();
      },
    }),
  );
  const changes = changesOf(profile, typed);
  const isChanged = Object.keys(changes).length > 0;
  const errors = fieldErrorsOf(save.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isChanged) save.mutate(changes);
  };
  const known: FactsProps['facts'] = [
    ['E-mail', profile.email],
    ['Company id', profile.companyId],
    ['Status', profile.status],
    ['Systems', profile.systems.join(', ')],
  ];
  const facts = known.filter(([, value]) => value !== null && value !== '');
  return (
    <section className="card" aria-labelledby="profile-title">
      <header className="card-head">
        <h3 id="profile-title">Profile</h3>
        <span className="badge" data-system={profile.type}>
          {profile.type}
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
                if (!save.isIdle) save.reset();
              }}
            />
          ))}
        <Outcome error={accountWords(save.error, names)} success={save.isSuccess ? 'Your profile is saved.' : ''} />
        <div className="actions">
          <button type="submit" className="primary" aria-busy={save.isPending} disabled={!isChanged}>
            {save.isPending ? 'Saving…' : 'Save'}
          </button>
        </div>
      </form>
    </section>
  );
};
