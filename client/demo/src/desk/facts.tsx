import type { ReactNode } from 'react';

export type FactsProps = {
  /** Each with its name and its value. */
  facts: ReadonlyArray<readonly [name: string, value: ReactNode]>;
  className?: string;
};

/** A list of names and values, one a line. */
export const Facts = ({ facts, className = '' }: FactsProps) => (
  <dl className={`facts facts-lines ${className}`.trim()}>
    {facts.map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);
