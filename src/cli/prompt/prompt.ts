/** Asks on a terminal: a choice by the arrow keys, or a line of text. Ctrl-C and Escape are a no to everything. */
import { createInterface } from 'node:readline/promises';
import { stripVTControlCharacters } from 'node:util';
import { printable } from '../../plan/render/printable.ts';
import { RefusedError } from '../failures.ts';
import { type Choice, type ChoiceState, choiceAnswer, choiceLines, pressKey } from './choice.ts';
import { type KeyInput, readKeys } from './keys.ts';

export type { Choice } from './choice.ts';

export interface Prompt {
  /** One of the choices; the first is the default. */
  choose<T>(question: string, choices: readonly Choice<T>[]): Promise<T>;
  /** Any number of them; all are chosen to begin with. */
  chooseMany<T>(question: string, choices: readonly Choice<T>[]): Promise<readonly T[]>;
  /** A line; asked again until `check` finds no fault. An empty line is the default. */
  line(
    question: string,
    options: { readonly fallback?: string; check(text: string): string | undefined },
  ): Promise<string>;
}

export interface PromptStreams {
  readonly input: KeyInput;
  readonly output: NodeJS.WritableStream & { readonly columns?: number };
  style(format: 'cyan' | 'dim' | 'bold' | 'red', text: string): string;
}

const defaultColumns = 80;
const keysForOne = '(↑ ↓, Enter)';
const keysForMany = '(↑ ↓, Space to tick, Enter)';

export function createPrompt({ input, output, style }: PromptStreams): Prompt {
  const ask = async <T>(question: string, choices: readonly Choice<T>[], many: boolean) => {
    let state: ChoiceState = { at: 0, chosen: choices.map(() => many) };
    const safe = choices.map(choice => ({
      ...choice,
      title: printable(choice.title),
      ...(choice.hint !== undefined && { hint: printable(choice.hint) }),
    }));
    const asked = style('bold', `? ${question}`);
    const columns = () => output.columns || defaultColumns;
    const rowsOf = (line: string) =>
      Math.max(1, Math.ceil(stripVTControlCharacters(line).length / columns()));
    let drawn = 0;
    /** In place of what was drawn before. */
    const draw = (lines: readonly string[]) => {
      const back = drawn > 0 ? `\u001b[${drawn}A\r\u001b[J` : '';
      output.write(`${back}${lines.map(line => `${line}\n`).join('')}`);
      drawn = lines.reduce((rows, line) => rows + rowsOf(line), 0);
    };
    const drawChoices = () => {
      // The last column stays free: some terminals wrap once it is taken.
      const layout = { many, width: columns() - 1 };
      draw([
        `${asked} ${style('dim', many ? keysForMany : keysForOne)}`,
        ...choiceLines(safe, state, layout, style),
      ]);
    };
    drawChoices();
    const ended = await readKeys(input, ({ name, text }) => {
      const pressed = pressKey(state, text === ' ' ? 'space' : name, many);
      state = pressed.state;
      drawChoices();
      return pressed.done ? { done: state } : undefined;
    });
    if (ended === undefined) throw stopped();
    draw([`${asked} ${style('cyan', choiceAnswer(safe, ended, many))}`]);
    return ended;
  };

  return {
    choose: async (question, choices) => choices[(await ask(question, choices, false)).at]!.value,
    chooseMany: async (question, choices) => {
      const { chosen } = await ask(question, choices, true);
      return choices.filter((_, index) => chosen[index]).map(({ value }) => value);
    },
    line: async (question, { fallback, check }) => {
      for (;;) {
        const hint = fallback === undefined ? '' : ` ${style('dim', `(${fallback})`)}`;
        const answer =
          (await readLine(`${style('bold', `? ${question}`)}${hint} `)).trim() || (fallback ?? '');
        const fault = check(answer);
        if (fault === undefined) return answer;
        output.write(`${style('red', '✗')} ${printable(fault)}\n`);
      }
    },
  };

  async function readLine(question: string): Promise<string> {
    const lines = createInterface({ input, output, terminal: true });
    const closed = new Promise<undefined>(resolve => lines.once('close', () => resolve(undefined)));
    lines.once('SIGINT', () => lines.close());
    try {
      const answer = await Promise.race([lines.question(question), closed]);
      if (answer === undefined) throw stopped();
      return answer;
    } finally {
      lines.close();
    }
  }
}

function stopped(): RefusedError {
  return new RefusedError('You stopped; nothing was written.');
}
