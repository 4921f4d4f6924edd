/** The end of the story: nobody types any more, the daemon notices by itself, and every time is measured. */
import { systemClock } from '../../clock.ts';
import type { ChannelMessage } from '../../lab/channel.ts';
import type { WatchEvent } from '../../watch/events.ts';
import * as watch from '../commands/watch.ts';
import type { TableColumn } from '../table.ts';
import type { DemoSite } from './sites.ts';
import { chapter, fact, goOn, type Telling, validity } from './telling.ts';

/** What Atlas begins to call from while nobody looks. */
const newAddress = '44.206.201.9/32';
const intervalMs = 2_000;
const lookEveryMs = 10;
/** Seconds pass where a machine is free, minutes where it is not. */
const patienceMs = 120_000;

/** Milliseconds from the moment at which Atlas began to call from the address. */
interface Times {
  noticed?: number;
  written?: number;
  inForce?: number;
  told?: number;
}

const columns: readonly TableColumn[] = [
  { title: 'Seconds until' },
  ...['noticed', 'written', 'in force', 'the team knew'].map(title => ({ title, align: 'right' as const })),
];

export async function leaveRunning(telling: Telling): Promise<void> {
  const { stage, context, pause } = telling;
  const { output } = context;
  const { sites, lab, messages } = stage;
  await chapter(
    telling,
    'Days later, nobody types: the daemon looks every 2 seconds here, and every minute by default.',
  );
  telling.passDays(2);
  const daemon = startDaemon(telling);
  try {
    await daemon.until('the first look at each gate', () =>
      sites.every(site => daemon.events.some(event => event.kind === 'run-ended' && isOf(event, site))),
    );
    await pause();
    const [said, seen] = [messages.length, daemon.events.length];
    fact(telling, `Atlas begins to call from ${newAddress}.`);
    lab.atlas.addControlPlane('aws', 'us-east-1', [newAddress]);
    validity(telling);
    const fromMs = performance.now();
    const all = sites.map(site => ({ site, times: {} as Times }));
    await daemon.until('the new address let in', () => {
      const news = daemon.events.slice(seen);
      const told = messages.slice(said).filter(isAboutIt);
      for (const { site, times } of all) {
        const mark = (what: keyof Times, holds: () => boolean) => {
          if (times[what] === undefined && holds()) times[what] = performance.now() - fromMs;
        };
        mark('noticed', () => news.some(isNotice));
        mark('written', () => news.some(event => isWritten(event) && isOf(event, site)));
        mark('inForce', () => times.written !== undefined && lab.atlas.isKeyValid(site.project.id));
        mark('told', () => told.some(({ gate }) => gate === site.gate.name));
      }
      return all.every(({ times }) => times.inForce !== undefined && times.told !== undefined);
    });
    for (const { text } of messages.slice(said).filter(isAboutIt))
      fact(telling, `The team's channel got: ${text.split('\n')[0]}`);
    validity(telling);
    output.table(
      columns,
      all.map(({ site: { gate }, times: { noticed, written, inForce, told } }) => [
        `  ${gate.name}`,
        ...[noticed, written, inForce, told].map(ms => (ms! / 1_000).toFixed(1)),
      ]),
    );
    await pause();
  } finally {
    await daemon.stop();
  }
  fact(telling, 'In a cloud a write takes seconds to minutes to be in force; in this lab none.');
}

/** The real command on the story's date, with the seconds as they are. */
function startDaemon({ stage, context: { output, signal } }: Telling) {
  output.print(`${output.style('cyan', '$')} postern watch --interval ${intervalMs / 1_000}s`);
  const events: WatchEvent[] = [];
  const stop = new AbortController();
  const ended = stage.run(
    watch.run,
    [],
    { interval: intervalMs, inSentences: true, onEvent: event => events.push(event) },
    {
      clock: { now: stage.clock.now, sleep: systemClock.sleep },
      signal: AbortSignal.any([signal, stop.signal]),
    },
  );
  // A command that cannot begin says why where it is waited for.
  ended.catch(() => stop.abort());
  return {
    events,
    async until(what: string, holds: () => boolean): Promise<void> {
      const endMs = performance.now() + patienceMs;
      while (!holds()) {
        goOn(signal);
        if (stop.signal.aborted) await ended;
        if (performance.now() > endMs) throw new Error(`The demo waited in vain for ${what}.`);
        await systemClock.sleep(lookEveryMs);
      }
    },
    async stop(): Promise<void> {
      stop.abort(new Error('the demo has seen enough'));
      await ended;
    },
  };
}

function isAboutIt({ addresses }: ChannelMessage): boolean {
  return addresses.includes(newAddress);
}

function isNotice(event: WatchEvent): boolean {
  return event.kind === 'feed-read' && event.added.some(cidr => cidr === newAddress);
}

function isWritten(event: WatchEvent): boolean {
  return event.kind === 'run-step' && event.step.kind === 'written';
}

function isOf(event: WatchEvent, { gate }: DemoSite): boolean {
  return 'gate' in event && event.gate === gate.name;
}
