/** What an event says to a person, and with which fields and how loud it is logged. Pure. */
import { formatDuration } from '../config/duration.ts';
import type { LogLevel } from '../log/logger.ts';
import { countAddresses } from '../plan/render/words.ts';
import type { RunEvent } from '../reconcile/run.ts';
import type { WatchEvent } from './events.ts';

export interface Told {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function tell(event: WatchEvent): Told {
  const { message, fields = {}, isNews = true } = wordsOf(event);
  const level = { error: 'error', warning: 'warn', info: isNews ? 'info' : 'debug' } as const;
  const runId = 'runId' in event ? { runId: event.runId } : {};
  const gate = 'gate' in event ? { gate: event.gate } : {};
  return {
    level: level[event.severity],
    message,
    fields: { event: event.kind, ...runId, ...gate, ...fields },
  };
}

/** The journal has all of them; a log line is for reading. */
const loggedAddresses = 20;
const loggedFaults = 5;

interface Words {
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  /** False for what happens every minute. */
  readonly isNews?: boolean;
}

function wordsOf(event: WatchEvent): Words {
  switch (event.kind) {
    case 'started':
      return {
        message: `watching ${plural(event.gates.length, 'gate')} and ${plural(event.feeds.length, 'feed')}`,
        fields: { gates: event.gates, feeds: event.feeds },
      };
    case 'stopping':
      return {
        message: `stopping: ${event.because}${event.inHand > 0 ? `; ${plural(event.inHand, 'run')} in hand` : ''}`,
        fields: { inHand: event.inHand },
      };
    case 'stopped':
      return {
        message: `stopped${event.unfinished > 0 ? `; ${plural(event.unfinished, 'run')} did not end in time, and the next start settles what they began` : ''}`,
        fields: { unfinished: event.unfinished },
      };
    case 'feed-read': {
      const { feed, complete, addresses, faults, added, gone, tookMs } = event;
      const changes = [added.length > 0 && `${added.length} new`, gone.length > 0 && `${gone.length} gone`];
      const what = [countAddresses(addresses), ...changes].filter(Boolean).join(', ');
      return {
        message: complete
          ? `${feed}: ${what}`
          : `${feed}: the answer is incomplete (${what} could be read): ${faults[0] ?? 'no reason given'}`,
        fields: {
          feed,
          complete,
          addresses,
          faults: faults.slice(0, loggedFaults),
          added: added.slice(0, loggedAddresses),
          gone: gone.slice(0, loggedAddresses),
          tookMs,
        },
        isNews: added.length > 0 || gone.length > 0,
      };
    }
    case 'run-started':
      return {
        message: `${event.gate}: looking (${event.because})`,
        fields: { because: event.because },
        isNews: false,
      };
    case 'run-step':
      return stepWords(event.gate, event.step);
    case 'run-ended': {
      const { summary, consecutiveFailures, nextAtMs } = event;
      const { status, coverage, writes, missing, message } = summary;
      return {
        message: `${event.gate}: ${message}${summary.remedy === undefined ? '' : ` ${summary.remedy}`}`,
        fields: {
          status,
          coverage,
          missing: missing.length,
          writes: writes.map(({ kind, adds, removes }) => ({
            kind,
            adds: adds.length,
            removes: removes.length,
            addresses: [...adds, ...removes].slice(0, loggedAddresses),
          })),
          tookMs: summary.endedAtMs - summary.startedAtMs,
          consecutiveFailures,
          next: new Date(nextAtMs).toISOString(),
        },
        isNews: status !== 'unchanged',
      };
    }
    case 'removal-restored':
      return {
        message: `${event.gate}: a removal was put back. ${event.message}`,
        fields: { addresses: event.addresses },
      };
    case 'first-write-withdrawn':
      return { message: `${event.gate}: a list was taken out of force. ${event.message}`, fields: {} };
    case 'cycle-ended':
      return {
        message: event.healthy ? 'all is well' : `not all is well: ${event.because.join('; ')}`,
        fields: { healthy: event.healthy, because: event.because },
        isNews: false,
      };
    case 'hinted':
      return {
        message: `a hint from ${event.hint.source} (${event.hint.because})${event.reads ? ': reading sooner' : ''}`,
        fields: { ...event.hint, reads: event.reads },
        isNews: event.reads,
      };
    case 'events-read':
      return {
        message: `the events of project ${event.projectId} cannot be read; Postern goes by its intervals alone: ${event.fault}`,
        fields: { projectId: event.projectId },
      };
    case 'journal-lost':
      return {
        message: `the journal cannot be used: ${event.because} Additions go on; nothing is removed.`,
        fields: { because: event.because },
      };
    case 'journal-back':
      return {
        message: `the journal can be used${event.drained > 0 ? `; ${plural(event.drained, 'addition')} made without it ${event.drained === 1 ? 'is' : 'are'} journalled now` : ' again'}`,
        fields: { location: event.location, drained: event.drained },
      };
    case 'journal-moved':
      return { message: event.message, fields: { rescued: event.rescued } };
    case 'config-reloaded': {
      const { added, removed, changed, untouched } = event;
      const parts = Object.entries({ added, removed, changed, untouched })
        .filter(([, names]) => names.length > 0)
        .map(([what, names]) => `${what} ${names.join(', ')}`);
      return {
        message: `the config was read anew: ${parts.join('; ') || 'it names no gate'}`,
        fields: { added, removed, changed, untouched },
      };
    }
    case 'config-refused':
      return {
        message: `the new config is wrong, and the one before stays in force. ${event.message}`,
      };
    case 'clock-jumped':
      return {
        message: `the clock went ${event.byMs < 0 ? 'back' : 'ahead'} by ${formatDuration(Math.abs(event.byMs))}, or the machine slept`,
        fields: { byMs: event.byMs },
      };
    case 'run-hangs':
      return {
        message: `${event.gate}: a run goes on since ${new Date(event.sinceMs).toISOString()}; it is left alone, and the other gates go on`,
      };
    case 'approved':
      return {
        message: `${event.gate}: ${event.by} approved the removal of ${countAddresses(event.addresses.length)}: ${event.reason}`,
        fields: { by: event.by, reason: event.reason, addresses: event.addresses },
      };
    case 'fleet-shares':
      return { message: 'the gates are shared with the other workers' };
    case 'fleet-alone':
      return {
        message: `the fleet's database is away, and this worker looks after every gate by itself: ${event.because} Additions go on; nothing is removed.`,
        fields: { because: event.because },
      };
    case 'fleet-fault':
      return {
        message: `sharing the gates met a fault: ${event.because}`,
        fields: { because: event.because },
        isNews: false,
      };
    case 'ping-failed':
      return { message: `the ping failed: ${event.because}` };
    case 'internal-fault':
      return { message: `${event.where} threw, and should not have: ${event.message}` };
  }
}

function stepWords(gate: string, step: RunEvent): Words {
  const of = (message: string, isNews = true): Words => ({
    message: `${gate}: ${message}`,
    fields: { step: step.kind === 'planned' ? { kind: step.kind, checksum: step.plan.checksum } : step },
    isNews,
  });
  switch (step.kind) {
    case 'writing':
      return of(`writing (${step.write}), ${step.adds} to add, ${step.removes} to remove`);
    case 'written':
      return of(`written and read back, ${step.entries} entries`);
    case 'verified':
      return of('Atlas confirms that its key works');
    case 'restoring':
      return of(`putting back what was there before: ${step.because}`);
    case 'conflict':
      return of(`someone else changed the list meanwhile (attempt ${step.attempt}): ${step.because}`);
    case 'recovered':
      return of(`an earlier run was interrupted at a write (${step.write}); it was ${step.outcome}`);
    case 'lock-taken-over':
      return of(`taking over from ${step.from}, which is gone`);
    case 'journal-unavailable':
      return of(`working without the journal: ${step.because}`);
    default:
      return of(step.kind, false);
  }
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
