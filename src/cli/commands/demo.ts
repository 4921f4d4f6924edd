import { systemClock } from '../../clock.ts';
import { MovingClock } from '../../lab/moving-clock.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import { tellIncident } from '../demo/incident.ts';
import { type DemoCloud, demoClouds } from '../demo/sites.ts';
import { openStage } from '../demo/stage.ts';
import { stay } from '../demo/stay.ts';
import { tell } from '../demo/story.ts';
import { paragraph } from '../demo/telling.ts';
import { exitCodes } from '../exit-codes.ts';
import { UsageError } from '../failures.ts';
import { Output } from '../output.ts';

interface DemoOptions {
  readonly cloud?: DemoCloud | 'all';
  readonly stay?: boolean;
  readonly fast?: boolean;
  readonly scenario?: '2025-08-11';
}

const dayMs = 24 * 60 * 60 * 1000;
const pauseMs = 600;

const names: Readonly<Record<DemoCloud, string>> = {
  azure: 'Azure',
  aws: 'AWS',
  gcp: 'Google Cloud',
};

/** The whole story against a simulated Atlas and a simulated cloud, on this machine alone; or an incident. */
export const run: CommandAction<DemoOptions> = async (context, _, options) => {
  const telling = { ...context, output: onStdout(context) };
  const { signal } = context;
  const pause = () => (options.fast ? Promise.resolve() : systemClock.sleep(pauseMs, signal).catch(() => {}));
  if (options.scenario !== undefined) {
    if (options.cloud !== undefined || options.stay) {
      throw new UsageError(
        'A scenario plays in a cloud of its own, and ends.',
        'Leave out --cloud and --stay.',
      );
    }
    await tellIncident({ context: telling, pause });
    return exitCodes.ok;
  }
  const { cloud = 'azure' } = options;
  const clouds = cloud === 'all' ? demoClouds : [cloud];
  await tellStory(telling, clouds, pause);
  if (options.stay) await stay(context, clouds);
  else
    telling.output.print(
      '\nThe incident of 11 August 2025, hour by hour:      postern demo --scenario 2025-08-11\nTo try it yourself against the world of this demo: postern demo --stay',
    );
  return exitCodes.ok;
};

async function tellStory(
  context: CommandContext,
  clouds: readonly DemoCloud[],
  pause: () => Promise<void>,
): Promise<void> {
  const clock = new MovingClock();
  const stage = await openStage(context, clock, { clouds });
  const beside = new Intl.ListFormat('en').format(clouds.map(each => names[each]));
  paragraph(
    context,
    `A simulated Atlas listens on ${stage.lab.urls.atlas}, a simulated ${beside} beside it.\nEvery command below is the real one, over real HTTP, with the cloud's own library.`,
  );
  try {
    await tell({ stage, context, pause, passDays: days => clock.advance(days * dayMs) });
  } finally {
    await stage.close();
  }
}

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
