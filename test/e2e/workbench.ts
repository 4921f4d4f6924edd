/** The real commands in this process, on a clock that can be moved, against a lab over real HTTP. */
import { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { confirm } from '../../src/cli/confirm.ts';
import type { CommandAction, CommandContext } from '../../src/cli/context.ts';
import { openStage, type Stage } from '../../src/cli/demo/stage.ts';
import { Output } from '../../src/cli/output.ts';
import { MovingClock } from '../../src/lab/moving-clock.ts';
import type { RemovalPolicy } from '../../src/plan/removal-policy.ts';

export interface Workbench {
  readonly stage: Stage;
  readonly clock: MovingClock;
  rules(): readonly string[];
  /** Runs a command and gives what it printed on both streams. */
  run<Options>(
    action: CommandAction<Options>,
    options: Options,
    ...args: readonly string[]
  ): Promise<{ readonly code: number; readonly text: string }>;
}

export async function openWorkbench(removal: Partial<RemovalPolicy> = {}): Promise<Workbench> {
  let printed = '';
  const stream = { write: (text: string) => (printed += text), on: () => {} };
  const clock = new MovingClock();
  const context: CommandContext = {
    globals: { json: false, quiet: false, color: false },
    env: {},
    output: new Output({ stdout: stream, stderr: stream, env: {}, json: false, quiet: false, color: false }),
    signal: new AbortController().signal,
    clock,
    loadConfig: () => {
      throw new Error('the stage has its own config');
    },
    statePathOf: () => '',
    databaseOf: () => undefined,
    // As in a pipe: who does not say yes beforehand cannot be asked.
    confirm: (question, { yes, command }) =>
      confirm(question, { yes, command, input: Readable.from([]), output: process.stderr }),
  };
  const stage = await openStage(context, clock, { removal });
  onTestFinished(() => stage.close());
  return {
    stage,
    clock,
    rules: () => stage.lab.azure.get(stage.vaultId).properties.networkAcls!.ipRules.map(({ value }) => value),
    run: async (action, options, ...args) => {
      printed = '';
      const code = await stage.run(action, args, options);
      return { code, text: printed };
    },
  };
}
