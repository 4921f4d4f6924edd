/** Hands each event to every listener, in order. One that throws stops neither the others nor the daemon. */
import type { Severity } from '../finding.ts';
import { redactSecrets } from '../secret.ts';
import type { WatchEvent, WatchHappening, WatchListener } from './events.ts';

export class Emitter {
  readonly #now: () => number;
  readonly #listeners = new Set<WatchListener>();
  #sequence = 0;
  #faults = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** How many internal faults there were: told ones, and listeners that threw. */
  get faults(): number {
    return this.#faults;
  }

  subscribe(listener: WatchListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  emit(happening: WatchHappening): void {
    const event: WatchEvent = {
      ...happening,
      sequence: ++this.#sequence,
      atMs: this.#now(),
      severity: severityOf(happening),
    };
    const threw: unknown[] = [];
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        threw.push(error);
      }
    }
    // A listener that throws at the news of its own throwing would be told of it for ever.
    if (event.kind === 'internal-fault') this.#faults += threw.length;
    else for (const error of threw) this.fault('a listener', error);
  }

  fault(where: string, error: unknown): void {
    this.#faults++;
    this.emit({ kind: 'internal-fault', where, message: messageOf(error) });
  }
}

export function messageOf(error: unknown): string {
  return redactSecrets(wordsOf(error));
}

function wordsOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  // Libraries hand over plain objects too, pg-boss for one.
  const message = (error as { readonly message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' && message !== '' ? message : String(error);
}

function severityOf(happening: WatchHappening): Severity {
  switch (happening.kind) {
    case 'removal-restored':
    case 'first-write-withdrawn':
    case 'journal-lost':
    case 'config-refused':
    case 'internal-fault':
    case 'run-hangs':
      return 'error';
    case 'journal-moved':
      return happening.rescued ? 'warning' : 'error';
    case 'run-ended':
      if (happening.summary.status === 'failed' || happening.summary.coverage === 'locked-out')
        return 'error';
      return happening.summary.status === 'refused' ? 'warning' : 'info';
    case 'feed-read':
      return happening.complete ? 'info' : 'warning';
    case 'ping-failed':
    case 'events-read':
    case 'fleet-alone':
    case 'clock-jumped':
      return 'warning';
    case 'cycle-ended':
      return happening.healthy ? 'info' : 'warning';
    default:
      return 'info';
  }
}
