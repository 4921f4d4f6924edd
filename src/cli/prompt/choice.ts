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

/**
 * The lines of the list, without the question.
 *
 * @param width a line that would be longer is cut: one that wraps could not be drawn again in its place
 */
export function choiceLines(
  choices: readonly Choice<unknown>[],
  { at, chosen }: ChoiceState,
  { many, width }: { readonly many: boolean; readonly width: number },
  style: (format: 'cyan' | 'dim', text: string) => string,
): readonly string[] {
  return choices.map(({ title, hint }, index) => {
    const box = many ? (chosen[index] ? '[x] ' : '[ ] ') : '';
    const text = cut(`${index === at ? '›' : ' '} ${box}${title}`, width);
    const shown = index === at ? style('cyan', text) : text;
    const room = width - text.length - 2;
    return hint === undefined || room < 1 ? shown : `${shown}  ${style('dim', cut(hint, room))}`;
  });
}

/** What was chosen, in one line. */
export function choiceAnswer(
  choices: readonly Choice<unknown>[],
  { at, chosen }: ChoiceState,
  many: boolean,
): string {
  if (!many) return choices[at]!.title;
  const titles = choices.filter((_, index) => chosen[index]).map(({ title }) => title);
  return titles.length === 0 ? 'none' : titles.join(', ');
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
