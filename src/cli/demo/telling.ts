/** How the demo tells: chapters, commands as if they were typed, and what is so beside them. */
import { wrap } from '../../plan/render/wrap.ts';
import type { CommandContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { RefusedError } from '../failures.ts';
import type { Output } from '../output.ts';
import type { Stage } from './stage.ts';

export interface Telling {
  readonly stage: Stage;
  readonly context: CommandContext;
  /** Waits a moment, for the reader. */
  pause(): Promise<void>;
  passDays(days: number): void;
}

/** Longer lines are hard to read, whatever the terminal. */
const widest = 100;

/** What can be told without a stage. */
export type Teller = Pick<Telling, 'context' | 'pause'>;

export async function chapter({ context: { output, signal }, pause }: Teller, text: string): Promise<void> {
  await pause();
  goOn(signal);
  const lines = broken(output, text).map(line => output.style('bold', line));
  output.print(`\n${lines.join('\n')}`);
  await pause();
}

export function paragraph({ output }: CommandContext, text: string): void {
  output.print(broken(output, text).join('\n'));
}

/** Shows the command, and what the real command prints. */
export async function typed(
  { context: { output, signal }, pause }: Telling,
  command: string,
  run: () => Promise<ExitCode>,
): Promise<void> {
  goOn(signal);
  output.print(`${output.style('cyan', '$')} ${command}`);
  const exitCode = await run();
  if (exitCode !== exitCodes.ok) output.print(output.style('dim', `(exit code ${exitCode})`));
  await pause();
}

export function fact({ context: { output } }: Teller, text: string): void {
  const [first, ...others] = wrap(text, Math.min(widest, output.width) - 2);
  output.print([`${output.style('dim', '→')} ${first}`, ...others.map(line => `  ${line}`)].join('\n'));
}

function broken({ width }: Output, text: string): readonly string[] {
  return text.split('\n').flatMap(line => wrap(line, Math.min(widest, width)));
}

/** What Atlas says of each key. */
export function validity(telling: Telling): void {
  const { lab, sites } = telling.stage;
  for (const { cloud, project } of sites) {
    const key = sites.length > 1 ? `the key in ${cloud}` : 'the key';
    fact(telling, `Atlas says of ${key}: valid ${lab.atlas.isKeyValid(project.id)}`);
  }
}

/** After Ctrl-C the story ends where it is. */
export function goOn(signal: AbortSignal): void {
  if (signal.aborted)
    throw new RefusedError('The demo was ended.', 'Nothing to do: it leaves nothing behind.');
}
