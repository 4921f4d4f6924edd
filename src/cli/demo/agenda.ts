/**
 * What happens one after another on a clock that is moved, and a judge outside of it all, who asks the cloud's
 * model whether Atlas is let in. He looks at each end of every stretch in which nothing changes, so that his
 * seconds are exact.
 */
import type { LabProject } from '../../lab/atlas/model.ts';
import type { Lab, ManualClock } from '../../lab/index.ts';
import { formatDuration } from '../../plan/render/time.ts';
import type { Output } from '../output.ts';
import { goOn } from './telling.ts';

export interface Team {
  readonly name: string;
  readonly how: string;
  readonly project: LabProject;
  lockedOutMs: number;
  /** Absent while Atlas is let in. */
  outSinceMs?: number | undefined;
}

export interface AgendaOptions {
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly clock: ManualClock;
  readonly lab: Lab;
  readonly teams: readonly Team[];
  pause(): Promise<void>;
}

interface Item {
  readonly atMs: number;
  /** Undefined: told only when it gives words. */
  readonly what: string | undefined;
  happen(): unknown;
}

const whatWidth = 34;
const cellWidth = 12;

export class Agenda {
  readonly #options: AgendaOptions;
  #items: readonly Item[] = [];
  #judgedMs: number;
  #date = '';
  #time = '';

  constructor(options: AgendaOptions) {
    this.#options = options;
    this.#judgedMs = options.clock.now();
  }

  /** @param happen what it gives, if it is a text, is a write: told in the place of `what`, and again once in force */
  add(atMs: number, what: string | undefined, happen: () => unknown): void {
    // What was put down first comes first, of one moment.
    this.#items = [...this.#items, { atMs, what, happen }].toSorted((a, b) => a.atMs - b.atMs);
  }

  /** Lets everything happen, and tells it, a row each. */
  async pass(): Promise<void> {
    const { clock, lab, signal } = this.#options;
    for (let next = this.#items[0]; next; next = this.#items[0]) {
      goOn(signal);
      this.#items = this.#items.slice(1);
      clock.advance(next.atMs - clock.now());
      this.#judge();
      const written = await next.happen();
      this.#judge();
      if (typeof written === 'string') {
        this.add(clock.now() + lab.azure.behaviour.propagationMs, '  which is in force now', () => {});
      }
      const what = typeof written === 'string' ? written : next.what;
      if (what !== undefined) await this.#row(what);
    }
  }

  /** Nothing has changed since it was last asked, but for time. */
  #judge(): void {
    const { clock, lab, teams } = this.#options;
    const nowMs = clock.now();
    for (const team of teams) {
      if (team.outSinceMs !== undefined) team.lockedOutMs += nowMs - this.#judgedMs;
      const isOut = lab.atlas.lockedOut(team.project.id).length > 0;
      team.outSinceMs = isOut ? (team.outSinceMs ?? nowMs) : undefined;
    }
    this.#judgedMs = nowMs;
  }

  async #row(what: string): Promise<void> {
    const { output, clock, teams, pause } = this.#options;
    const [date, time] = new Date(clock.now()).toISOString().split('T') as [string, string];
    // An hour at which something was told needs no row of its own.
    if (what === '' && time === this.#time) return;
    this.#time = time;
    if (date !== this.#date) {
      this.#date = date;
      const names = teams.map(({ name }) => name.padEnd(cellWidth)).join('');
      output.print(output.style('dim', `${date.padEnd(7 + whatWidth)}${names}`.trimEnd()));
    }
    const cells = teams.map(({ outSinceMs }) => {
      if (outSinceMs === undefined) return output.style('green', 'let in'.padEnd(cellWidth));
      return output.style('red', `OUT ${formatDuration(clock.now() - outSinceMs)}`.padEnd(cellWidth));
    });
    output.print(`${time.slice(0, 5)}  ${what.padEnd(whatWidth)}${cells.join('').trimEnd()}`);
    await pause();
  }
}
