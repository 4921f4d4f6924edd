/** Asks on a terminal: a choice by the arrow keys, or a line of text. Ctrl-C and Escape are a no to everything. */
import { createInterface } from 'node:readline/promises';
import { printable } from '../../plan/render/printable.ts';
import { RefusedError } from '../failures.ts';
import { type Choice, type ChoiceState, choiceLines, pressKey } from './choice.ts';
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
  readonly output: NodeJS.WritableStream;
  style(format: 'cyan' | 'dim' | 'bold' | 'red', text: string): string;
}

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
    const draw = (again: boolean) => {
      const lines = choiceLines(safe, state, many, style);
      const back = again ? `\u001b[${lines.length}A` : '';
      output.write(`${back}${lines.map(line => `\r\u001b[2K${line}\n`).join('')}`);
    };
    output.write(`${style('bold', `? ${question}`)} ${style('dim', many ? keysForMany : keysForOne)}\n`);
    draw(false);
    const ended = await readKeys(input, ({ name, text }) => {
      const pressed = pressKey(state, text === ' ' ? 'space' : name, many);
      state = pressed.state;
      draw(true);
      return pressed.done ? { done: state } : undefined;
    });
    if (ended === undefined) throw stopped();
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
