/** One simulated world from one seed, from its first instant to its last. */
import type { GateKind } from '../../src/gates/gate.ts';
import { startHappenings } from './events.ts';
import type { Verdict } from './judge.ts';
import { Daemon, type DaemonCounts, type Way } from './postern.ts';
import { integer, randomFor, waitMs } from './random.ts';
import { type Rival, rivals, watchRival } from './rivals.ts';
import { World, yearMs } from './world.ts';

export interface SimulationOptions {
  readonly seed: string;
  readonly years: number;
  /** Whether cycles that provably change nothing are left out; default yes. */
  readonly skips?: boolean;
  /** How Postern runs; default `daemon`. */
  readonly way?: Way;
  /** A rival's name, in Postern's place; gates are on policy `sync` then. */
  readonly rival?: string | undefined;
  /** Postern and rivals on the same worlds: every gate on policy `sync`. */
  readonly compares?: boolean;
  /** The kind of every gate; default: as drawn. */
  readonly kind?: GateKind | undefined;
  /** Whether as much happens as in the worst worlds; default: as drawn. */
  readonly isStormy?: boolean;
  /** Whether what comes after the first breach is kept as well; default no. */
  readonly tracesOn?: boolean;
  /** How many lines of what happened to keep. */
  readonly traceLines?: number;
}

export interface SimulationResult extends Verdict {
  readonly seed: string;
  readonly years: number;
  readonly gates: number;
  readonly kinds: readonly string[];
  readonly events: number;
  readonly requests: number;
  readonly faults: number;
  readonly daemon: DaemonCounts;
  readonly trace: readonly string[];
}

export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const {
    seed,
    years,
    skips = true,
    way = 'daemon',
    traceLines = 60,
    tracesOn = false,
    isStormy = false,
    kind,
    rival: rivalName,
    compares = false,
  } = options;
  const rival = rivalName === undefined ? undefined : rivalOf(rivalName);
  const trace: string[] = [];
  let isOver = false;
  const world = new World({
    seed,
    isPunctual: rival !== undefined || way === 'applies',
    given: {
      ...((rival || compares) && { policy: 'sync' }),
      ...(isStormy && { weather: 1 }),
      ...(kind && { kind }),
    },
    trace: line => {
      // What led to the first breach is what is asked for; some lines after it help.
      if (isOver && !tracesOn) return;
      trace.push(line);
      if (trace.length > traceLines * 2) trace.splice(0, traceLines);
      if (line.includes('!!!')) isOver = true;
    },
  });
  const daemon = new Daemon(world, { skips, way });
  startHappenings(world);
  if (rival) {
    watchRival(world);
    rival.start(world);
  } else {
    startTroubleFor(daemon, world);
    daemon.start();
  }
  await world.scheduler.run(world.scheduler.nowMs + years * yearMs);
  return {
    ...world.judge.verdict,
    seed,
    years,
    gates: world.sites.length,
    kinds: world.sites.map(({ cloud }) => cloud.kind),
    events: world.scheduler.count,
    requests: world.network.requests,
    faults: world.faults.count,
    daemon: daemon.counts,
    trace: trace.slice(-traceLines),
  };
}

function rivalOf(name: string): Rival {
  const rival = rivals.find(each => each.name === name);
  if (rival) return rival;
  throw new Error(`no rival ${name}; known: ${rivals.map(each => each.name).join(', ')}`);
}

/** Kills at every await, and an operator who looks after guards and undoes things. */
function startTroubleFor(daemon: Daemon, world: World): void {
  const again = (name: string, perYear: number, happen: (random: () => number) => void) => {
    const random = randomFor(world.seed, 'trouble', name);
    const next = () => {
      world.scheduler.after(waitMs(random, perYear * world.weather), () => {
        happen(random);
        world.changed(name);
        next();
      });
    };
    next();
  };
  again('a kill', 5, () => daemon.kill(0));
  again('a kill at an await', 25, random => daemon.kill(integer(random, 1, 120)));
  again('a restart', 6, () => daemon.ask('stop'));
  again('a hint', 20, () => daemon.ask('hint'));
  again('an operator cannot wait', 6, () => daemon.ask('syncNow'));
  again('an operator applies', 18, random => daemon.operate('apply', random));
  again('an operator undoes', 2, random => daemon.operate('undo', random));
}
