/**
 * `postern apply --yes` as a process of its own, on a clock that is ahead: grace periods pass between two
 * processes without anybody waiting. Arguments: how far ahead, in milliseconds.
 */
import { run } from '../../../src/cli/commands/apply.ts';
import { createContext } from '../../../src/cli/context.ts';
import { Output } from '../../../src/cli/output.ts';
import { MovingClock } from '../../../src/lab/moving-clock.ts';

const { env, stdout, stderr, argv } = process;
const clock = new MovingClock();
clock.advance(Number(argv[2]));
const globals = { json: false, quiet: false, color: false };
const output = new Output({ stdout, stderr, env, ...globals });
const context = { ...createContext(globals, output, env, () => new AbortController().signal), clock };
process.exitCode = await run(context, [], { yes: true });
