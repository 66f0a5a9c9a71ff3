type SystemChoiceProps<Choice extends string> = {
  legend: string;
  name: string;
  choices: readonly Choice[];
  labelOf?: (choice: Choice) => string;
  value: Choice;
  onChange: (choice: Choice) => void;
};

/** Radio buttons side by side. */
export const SystemChoice = <Choice extends string>(props: SystemChoiceProps<Choice>) => {
  const { legend, name, choices, labelOf = (choice: Choice) => choice, value, onChange } = props;
  return (
    <fieldset className="choice">
      <legend className="visually-hidden">{legend}</legend>
      {choices.map((choice) => (
        <label key={choice}>
          <input type="radio" name={name} value={choice} checked={choice === value} onChange={() => onChange(choice)} />
          <span>{labelOf(choice)}</span>
        </label>
      ))}
    </fieldset>
  );
};
