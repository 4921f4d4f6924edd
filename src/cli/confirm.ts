import { createInterface } from 'node:readline/promises';
import { RefusedError } from './failures.ts';

export interface ConfirmOptions {
  /** The operator gave `--yes`. */
  readonly yes: boolean;
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream;
  /** What `--yes` belongs to, such as `postern apply`. */
  readonly command: string;
}

/**
 * Asks before something is written. Only `y` and `yes` are a yes; an empty line, the end of the input and
 * Ctrl-C are a no.
 *
 * @throws RefusedError when there is nobody to ask, or the answer is no
 */
export async function confirm(question: string, options: ConfirmOptions): Promise<void> {
  if (options.yes) return;
  if (options.input.isTTY !== true) {
    throw new RefusedError(
      'Nobody can be asked whether to go on: the input is not a terminal.',
      `Look at the plan, then run ${options.command} --yes.`,
    );
  }
  const answer = await ask(`${question} [y/N] `, options);
  if (!/^y(es)?$/i.test(answer.trim())) throw new RefusedError('You said no; nothing was written.');
}

async function ask(prompt: string, { input, output }: ConfirmOptions): Promise<string> {
  const lines = createInterface({ input, output, terminal: true });
  const closed = new Promise<string>(resolve => lines.once('close', () => resolve('')));
  lines.once('SIGINT', () => lines.close());
  try {
    return await Promise.race([lines.question(prompt), closed]);
  } finally {
    lines.close();
  }
}
