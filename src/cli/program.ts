/** The command line's grammar, made of the table of commands. */
import { Command, Option } from 'commander';
import { type CommandEntry, type CommandOption, commands, globalOptions } from './commands/table.ts';
import type { GlobalOptions } from './context.ts';
import { exitCodeHelp } from './exit-codes.ts';
import { version } from './version.ts';

/** What is called when the command line names a command. */
export type Dispatch = (
  entry: CommandEntry,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
  globals: GlobalOptions,
) => Promise<void>;

/** Throws a CommanderError instead of ending the process, and prints nothing but help. */
export function createProgram(dispatch: Dispatch): Command {
  const program = new Command('postern')
    .description(
      'Keeps the IP access list of a customer-managed KMS in step with MongoDB Atlas,\nand never locks Atlas out.',
    )
    .usage('<command> [options]')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .addHelpText('after', `\n${exitCodeHelp}\n\nStart with: postern demo`);
  addOptions(program, globalOptions);
  for (const entry of commands) addCommand(program, entry, dispatch);
  return program;
}

/** The help that the build puts into the entry. */
export function topLevelHelp(): string {
  let help = '';
  createProgram(async () => {})
    .configureOutput({
      writeOut: text => (help += text),
      getOutHelpWidth: () => 80,
      getOutHasColors: () => false,
    })
    .outputHelp();
  return help;
}

function addCommand(program: Command, entry: CommandEntry, dispatch: Dispatch): void {
  const command = program
    .command(entry.name)
    .description(`${entry.summary.charAt(0).toUpperCase()}${entry.summary.slice(1)}`)
    .helpOption('-h, --help', 'print this help')
    .configureHelp({ showGlobalOptions: false })
    .allowExcessArguments(false)
    .addHelpText('after', `\nExamples:\n${entry.examples.map(example => `  ${example}`).join('\n')}`);
  for (const [name, description] of entry.arguments ?? []) command.argument(name, description);
  addOptions(command, entry.options);
  addOptions(command, globalOptions);
  command.action(async () => {
    await dispatch(entry, command.args, command.opts(), globalsOf(program, command));
  });
}

function addOptions(command: Command, options: readonly CommandOption[]): void {
  for (const { flags, description, parse } of options) {
    const option = new Option(flags, description);
    if (parse) option.argParser(parse as (text: string, previous: unknown) => unknown);
    command.addOption(option);
  }
}

/** Global options may stand before and after the command; the one after counts. */
function globalsOf(program: Command, command: Command): GlobalOptions {
  const given = (name: string): unknown => {
    const from = [command, program].find(each => each.getOptionValueSource(name) === 'cli');
    return from?.getOptionValue(name);
  };
  const config = given('config') as string | undefined;
  const state = given('state') as string | undefined;
  return {
    ...(config !== undefined && { config }),
    ...(state !== undefined && { state }),
    json: given('json') === true,
    quiet: given('quiet') === true,
    color: given('color') !== false,
  };
}
