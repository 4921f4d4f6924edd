#!/usr/bin/env node
/**
 * Where the process begins. `--version` and `--help` are answered from texts that the build put in, without
 * loading anything; and this file must be readable to an old Node.js, so that it can say what is wrong.
 */
declare const POSTERN_VERSION: string | undefined;
declare const POSTERN_HELP: string | undefined;

const leastMajor = 24;

async function main(args: readonly string[]): Promise<void> {
  if (Number(process.versions.node.split('.')[0]) < leastMajor) {
    process.stderr.write(
      `error: Postern needs Node.js ${leastMajor} or newer; this is ${process.version}. Install it from https://nodejs.org.\n`,
    );
    process.exitCode = 1;
    return;
  }
  const known = args.length < 2 ? prerendered(args[0]) : undefined;
  if (known !== undefined) {
    process.stdout.write(known);
    return;
  }
  await keepCompiledCode();
  const { runCli } = await import('./run-cli.ts');
  await runCli(args);
}

function prerendered(argument: string | undefined): string | undefined {
  switch (argument) {
    case '--version':
    case '-V':
      return typeof POSTERN_VERSION === 'string' ? `${POSTERN_VERSION}\n` : undefined;
    case undefined:
    case '--help':
    case '-h':
    case 'help':
      return typeof POSTERN_HELP === 'string' ? POSTERN_HELP : undefined;
    default:
      return undefined;
  }
}

/** Compiled code goes to the user's own cache: whoever could write to it could have Postern run theirs. */
async function keepCompiledCode(): Promise<void> {
  const home = process.env.HOME;
  const cache = process.env.XDG_CACHE_HOME || (home ? `${home}/.cache` : undefined);
  if (cache === undefined || process.platform === 'win32') return;
  const { enableCompileCache } = await import('node:module');
  enableCompileCache(`${cache}/postern`);
}

await main(process.argv.slice(2));
