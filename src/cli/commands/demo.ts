import { systemClock } from '../../clock.ts';
import { MovingClock } from '../../lab/moving-clock.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import { type DemoCloud, demoClouds } from '../demo/sites.ts';
import { openStage } from '../demo/stage.ts';
import { stay } from '../demo/stay.ts';
import { tell } from '../demo/story.ts';
import { exitCodes } from '../exit-codes.ts';
import { Output } from '../output.ts';

interface DemoOptions {
  readonly cloud?: DemoCloud | 'all';
  readonly stay?: boolean;
  readonly fast?: boolean;
}

const dayMs = 24 * 60 * 60 * 1000;
const pauseMs = 600;

const names: Readonly<Record<DemoCloud, string>> = {
  azure: 'Azure',
  aws: 'AWS',
  gcp: 'Google Cloud',
};

/** The whole story against a simulated Atlas and a simulated cloud, on this machine alone. */
export const run: CommandAction<DemoOptions> = async (context, _, options) => {
  const telling = { ...context, output: onStdout(context) };
  const clock = new MovingClock();
  const { cloud = 'azure' } = options;
  const clouds = cloud === 'all' ? demoClouds : [cloud];
  const stage = await openStage(telling, clock, { clouds });
  const beside = new Intl.ListFormat('en').format(clouds.map(each => names[each]));
  telling.output.say(
    `A simulated Atlas listens on ${stage.lab.urls.atlas}, a simulated ${beside} beside it.\nEvery command below is the real one, over real HTTP, with the cloud's own library.`,
  );
  try {
    await tell({
      stage,
      context: telling,
      pause: () =>
        options.fast ? Promise.resolve() : systemClock.sleep(pauseMs, context.signal).catch(() => {}),
      passDays: days => clock.advance(days * dayMs),
    });
  } finally {
    await stage.close();
  }
  if (options.stay) await stay(context, clouds);
  else telling.output.print('\nTo try it yourself against the same world: postern demo --stay');
  return exitCodes.ok;
};

/** What the commands tell beside their results belongs to the story too, in its place. */
function onStdout({ output, env, globals }: CommandContext): Output {
  const { stdout } = process;
  return new Output({
    stdout,
    stderr: stdout,
    env,
    json: false,
    quiet: false,
    color: output.hasColor || globals.color,
  });
}
