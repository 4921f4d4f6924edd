/** What every command is given. */
import { type Clock, systemClock } from '../clock.ts';
import { type Config, loadConfig, resolveSecret, systemFiles } from '../config/index.ts';
import { defaultStatePath } from '../journal/state-path.ts';
import { Secret } from '../secret.ts';
import { confirm } from './confirm.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';

export interface GlobalOptions {
  readonly config?: string;
  readonly state?: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
}

export interface CommandContext {
  readonly globals: GlobalOptions;
  readonly env: NodeJS.ProcessEnv;
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Throws a ConfigError. */
  loadConfig(): Config;
  /** Where the journal is: `--state`, POSTERN_STATE, the config, the platform's place. */
  statePathOf(config: Config): string;
  /**
   * The URL of the database that holds the journal instead: POSTERN_DATABASE_URL, or what the config refers to;
   * undefined where there is none, or `--state` names a file. Throws a ConfigError.
   */
  databaseOf(config: Config): Secret | undefined;
  /** Asks on the terminal. Throws a RefusedError when the answer is no, or nobody can be asked. */
  confirm(question: string, options: { readonly yes: boolean; readonly command: string }): Promise<void>;
}

/** One command's work. `options` is what `commander` made of the options in the command's entry. */
export type CommandAction<Options> = (
  context: CommandContext,
  args: readonly string[],
  options: Options,
) => Promise<ExitCode>;

export function createContext(
  globals: GlobalOptions,
  output: Output,
  env: NodeJS.ProcessEnv,
  interruptSignal: () => AbortSignal,
): CommandContext {
  let signal: AbortSignal | undefined;
  return {
    globals,
    env,
    output,
    // A command that does not ask for it is ended by Ctrl-C, as any program is.
    get signal() {
      signal ??= interruptSignal();
      return signal;
    },
    clock: systemClock,
    loadConfig() {
      const { config: path, state } = globals;
      return loadConfig({
        path,
        env,
        files: systemFiles,
        overrides: state === undefined ? {} : { statePath: state },
      });
    },
    statePathOf: config => config.statePath ?? defaultStatePath(env),
    databaseOf(config) {
      if (globals.state !== undefined) return undefined;
      if (env.POSTERN_DATABASE_URL) return new Secret(env.POSTERN_DATABASE_URL, 'env:POSTERN_DATABASE_URL');
      return config.database && resolveSecret(config.database, env, systemFiles).secret;
    },
    confirm: (question, options) =>
      confirm(question, { ...options, input: process.stdin, output: process.stderr }),
  };
}
