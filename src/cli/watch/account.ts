/**
 * What a person at a terminal is told of the daemon: each thing once, with its end. What lasts, such as a feed
 * that cannot be read, is told when it begins, when its reason changes, and when it is over, with how long it
 * took. Keeps what is open; prints nothing.
 */
import type { LogLevel } from '../../log/levels.ts';
import { formatDuration } from '../../plan/render/time.ts';
import { andMore, count, countAddresses } from '../../plan/render/words.ts';
import type { RunSummary, WatchEvent } from '../../watch/events.ts';
import type { WatchStatus } from '../../watch/status.ts';
import { tell } from '../../watch/words.ts';
import { askingAtlas, namingGate, writeInWords } from '../words.ts';

export interface Said {
  readonly level: LogLevel;
  /** Paragraphs: the first one stands beside the time, the others below it. */
  readonly text: readonly string[];
  readonly remedy?: string;
}

/** Something that lasts. */
interface Trouble {
  /** In a few words, for the live line: `gate payments fails`. */
  readonly what: string;
  readonly sinceMs: number;
  readonly reason: string;
}

type EventOf<K extends WatchEvent['kind']> = Extract<WatchEvent, { readonly kind: K }>;

const shownAddresses = 3;

/** Whatever a gate is called, its trouble is not the config's. */
const gateKey = (gate: string) => `gate/${gate}`;
const feedKey = (feed: string) => `feed/${feed}`;

export class Account {
  readonly #troubles = new Map<string, Trouble>();
  /** Gates that something was told of. */
  readonly #known = new Set<string>();
  /** The write that is under way, by gate. */
  readonly #writing = new Map<string, string>();

  /** What is wrong at present, the oldest first. */
  get troubles(): readonly Trouble[] {
    return [...this.#troubles.values()];
  }

  /** The write that is under way; undefined when none is. */
  get work(): string | undefined {
    return [...this.#writing.values()].at(-1);
  }

  /** Forgets what was wrong with gates and feeds that the config no longer has. */
  keepOnly({ gates, feeds }: Pick<WatchStatus, 'gates' | 'feeds'>): void {
    if (this.#troubles.size === 0) return;
    const kept = new Set([
      'config',
      'journal',
      ...gates.map(({ name }) => gateKey(name)),
      ...feeds.map(({ feed }) => feedKey(feed)),
    ]);
    for (const key of this.#troubles.keys()) if (!kept.has(key)) this.#troubles.delete(key);
  }

  /** What to say of an event; undefined when it is no news, or was told already. */
  hear(event: WatchEvent): Said | undefined {
    switch (event.kind) {
      // The terminal's heading, and its last line, say these.
      case 'started':
      case 'stopped':
      // And each of its reasons was told by itself.
      case 'cycle-ended':
        return undefined;
      case 'feed-read':
        return event.complete ? this.#whole(event) : this.#incomplete(event);
      case 'run-step':
        return this.#step(event);
      case 'run-ended':
        return this.#ended(event);
      case 'config-refused':
        return this.#begin(event, 'config', 'the new config is wrong', {
          level: 'error',
          text: [
            'the new config is wrong, and the one before stays in force.',
            ...event.message.split('\n').map(line => line.trim()),
          ],
        });
      case 'config-reloaded':
        this.#troubles.delete('config');
        return plain(event);
      case 'journal-lost':
        return this.#begin(event, 'journal', 'the journal cannot be used', plain(event));
      case 'journal-back':
        return this.#end(event, 'journal', tell(event).message) ?? plain(event);
      default:
        return plain(event);
    }
  }

  #whole(event: EventOf<'feed-read'>): Said | undefined {
    const { feed, addresses, added, gone } = event;
    const changes = [
      added.length > 0 && `${count(added.length, 'new address', 'new addresses')}: ${few(added)}`,
      gone.length > 0 && `${added.length > 0 ? gone.length : countAddresses(gone.length)} gone: ${few(gone)}`,
    ].filter(change => change !== false);
    const text = changes.length > 0 ? `${feed}: ${changes.join('; ')}` : undefined;
    const over = this.#end(event, feedKey(feed), `${feed}: complete again, ${countAddresses(addresses)}`);
    if (text === undefined) return over;
    return { level: 'info', text: [...(over?.text ?? []), text] };
  }

  #incomplete(event: EventOf<'feed-read'>): Said | undefined {
    const { feed, addresses, added, faults } = event;
    const [fault = 'no reason is given', ...others] = faults;
    const more = others.length > 0 ? [`And ${count(others.length, 'more fault')}.`] : [];
    const read =
      addresses === 0 ? 'nothing of it could be read' : `${countAddresses(addresses)} could be read`;
    const found =
      added.length > 0 ? [`${count(added.length, 'new address', 'new addresses')}: ${few(added)}`] : [];
    return this.#begin(
      event,
      feedKey(feed),
      `${feed} is incomplete`,
      {
        level: 'warn',
        text: [
          `${feed}: the answer is incomplete (${read}). It adds what it lists, and removes nothing.`,
          fault,
          ...more,
          ...found,
        ],
      },
      `${fault} ${added.join()}`,
    );
  }

  #step(event: EventOf<'run-step'>): Said | undefined {
    const { gate, step } = event;
    switch (step.kind) {
      case 'writing':
        this.#writing.set(gate, `${gate}: writing, ${writeInWords(step.adds, step.removes)}`);
        return undefined;
      case 'written':
        this.#writing.delete(gate);
        return undefined;
      case 'verifying':
        this.#writing.set(gate, `${gate}: ${askingAtlas}`);
        return undefined;
      // The end of the run, and `journal-lost`, say these.
      case 'restoring':
      case 'journal-unavailable':
        return undefined;
      default:
        return plain(event);
    }
  }

  #ended(event: EventOf<'run-ended'>): Said | undefined {
    const { gate, summary, nextAtMs, consecutiveFailures } = event;
    const { status, coverage, missing, message, remedy } = summary;
    this.#writing.delete(gate);
    const isLockedOut = coverage === 'locked-out';
    if (isLockedOut || status === 'failed' || consecutiveFailures > 0) {
      const what = isLockedOut ? `gate ${gate} does not let in every address` : `gate ${gate} fails`;
      return this.#begin(
        event,
        gateKey(gate),
        what,
        {
          level: 'error',
          text: [
            namingGate(gate, message),
            ...(missing.length > 0 ? [`Not let in: ${few(missing)}`] : []),
            `Postern looks again by itself, in ${seconds(nextAtMs - event.atMs)}.`,
          ],
          remedy: remedy ?? `See what is to be done: postern plan --gate ${gate}`,
        },
        `${message} ${missing.join()}`,
      );
    }
    const over = this.#end(event, gateKey(gate), `${gate}: all is well again`);
    if (status === 'refused') {
      return { level: 'warn', text: [namingGate(gate, message)], ...(remedy !== undefined && { remedy }) };
    }
    // A removal that was put back is told by an event of its own.
    if (status !== 'changed') return over ?? this.#first(event);
    this.#known.add(gate);
    return { level: 'info', text: [...(over?.text ?? []), ...writesOf(summary), message] };
  }

  /** How each gate was found, once. */
  #first({ gate, summary, plan }: EventOf<'run-ended'>): Said | undefined {
    if (summary.status !== 'unchanged' || !plan || this.#known.has(gate)) return undefined;
    this.#known.add(gate);
    if (summary.coverage !== 'let-in') return { level: 'info', text: [namingGate(gate, summary.message)] };
    return { level: 'info', text: [`${gate}: every address that Atlas lists is let in`] };
  }

  /** Told when it begins, and when its reason is another one. */
  #begin(event: WatchEvent, key: string, what: string, said: Said, reason = said.text.join(' ')) {
    const known = this.#troubles.get(key);
    this.#troubles.set(key, { what, sinceMs: known?.sinceMs ?? event.atMs, reason });
    return known?.reason === reason ? undefined : said;
  }

  /** Undefined when there was no trouble. */
  #end(event: WatchEvent, key: string, text: string): Said | undefined {
    const known = this.#troubles.get(key);
    if (!known) return undefined;
    this.#troubles.delete(key);
    return { level: 'info', text: [`${text}, after ${seconds(event.atMs - known.sinceMs)}`] };
  }
}

function plain(event: WatchEvent): Said {
  const { level, message } = tell(event);
  return { level, text: [message] };
}

function writesOf({ gate, writes, startedAtMs, endedAtMs }: RunSummary): readonly string[] {
  const lines = writes.map(
    ({ kind, adds, removes }) => `${gate}: ${done[kind]} ${few([...adds, ...removes])}`,
  );
  const last = lines.pop();
  return last === undefined ? [] : [...lines, `${last}; read back after ${seconds(endedAtMs - startedAtMs)}`];
}

const done = {
  add: 'let in',
  remove: 'removed',
  restore: 'put back',
  undo: 'took back',
  enforce: 'put in force',
  withdraw: 'took out of force',
} as const;

function few(cidrs: readonly string[]): string {
  return andMore(cidrs, shownAddresses, ', ');
}

/** Tenths where they matter: `0.4 s`, `12 s`, `5m 3s`. */
function seconds(ms: number): string {
  if (ms >= 60_000) return formatDuration(ms);
  return `${(Math.max(0, ms) / 1_000).toFixed(ms < 9_950 ? 1 : 0)} s`;
}
