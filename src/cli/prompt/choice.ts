/** The state of a list to choose from, and what a key makes of it. Pure. */
export interface Choice<T> {
  readonly title: string;
  readonly hint?: string;
  readonly value: T;
}

export interface ChoiceState {
  readonly at: number;
  readonly chosen: readonly boolean[];
}

/** The state after a key; `done` when the person has chosen. */
export function pressKey(
  state: ChoiceState,
  key: string | undefined,
  many: boolean,
): { readonly state: ChoiceState; readonly done: boolean } {
  const count = state.chosen.length;
  const move = (by: number) => ({ state: { ...state, at: (state.at + by + count) % count }, done: false });
  switch (key) {
    case 'up':
    case 'k':
      return move(-1);
    case 'down':
    case 'j':
    case 'tab':
      return move(1);
    case 'space': {
      if (!many) return { state, done: false };
      return {
        state: { ...state, chosen: state.chosen.with(state.at, !state.chosen[state.at]) },
        done: false,
      };
    }
    case 'return':
    case 'enter':
      return { state, done: true };
    default:
      return { state, done: false };
  }
}

/** The lines of the list, without the question. */
export function choiceLines(
  choices: readonly Choice<unknown>[],
  { at, chosen }: ChoiceState,
  many: boolean,
  style: (format: 'cyan' | 'dim', text: string) => string,
): readonly string[] {
  return choices.map(({ title, hint }, index) => {
    const box = many ? (chosen[index] ? '[x] ' : '[ ] ') : '';
    const text = `${index === at ? '›' : ' '} ${box}${title}`;
    const shown = index === at ? style('cyan', text) : text;
    return hint === undefined ? shown : `${shown}  ${style('dim', hint)}`;
  });
}
