/**
 * What a person should know about the daemon's state. Each rule is one small function that finds situations or
 * none; `situationsOf` asks them all. Pure. The same fault of the world is one situation however many cycles
 * show it, and what one situation explains is not told a second time.
 */

import type { Finding } from '../finding.ts';
import { formatDuration } from '../plan/render/time.ts';
import { count, countAddresses } from '../plan/render/words.ts';
import { unseenForMs } from '../watch/health.ts';
import type { GateStatus, WatchStatus } from '../watch/status.ts';
import type { Situation } from './situation.ts';

/** A reading that fails now and then is nothing to wake anyone for. */
const feedWarningMs = 15 * 60_000;
const feedErrorMs = 60 * 60_000;
/** A gate that fails once may have been throttled. */
const gateFailures = 3;
/** An address that waits this long for a guard waits for a person. */
const heldBackMs = 24 * 60 * 60_000;

type Rule = (status: WatchStatus) => readonly Situation[];

const rules: readonly Rule[] = [
  lockedOut,
  gateFails,
  gateNotSeen,
  feedNotRead,
  findings,
  heldBack,
  journalUnavailable,
  configRefused,
  internalFaults,
];

export function situationsOf(status: WatchStatus): readonly Situation[] {
  return rules.flatMap(rule => rule(status));
}

function lockedOut({ gates }: WatchStatus): readonly Situation[] {
  return gates
    .filter(({ coverage }) => coverage === 'locked-out')
    .map(gate => ({
      key: `locked-out/${gate.name}`,
      id: 'locked-out',
      severity: 'error',
      message:
        gate.lets === 'nobody'
          ? `Gate ${gate.name} lets in nobody, so Atlas is locked out.`
          : `${countAddresses(gate.missing.length)} that Atlas uses ${gate.missing.length === 1 ? 'is' : 'are'} not let in by gate ${gate.name}. Clusters whose key is behind it may go down.`,
      gate: gate.name,
      addresses: gate.missing,
      did: didAbout(gate),
      remedy: remedyFor(gate),
    }));
}

function didAbout({ policy, lastRun, backOff }: GateStatus): string {
  if (policy === 'observe') return 'Nothing: the policy of the gate is observe.';
  if (backOff) return `Its last try failed (${backOff.because}); it tries again by itself.`;
  if (lastRun?.status === 'refused') return `It was stopped: ${lastRun.message}`;
  return 'It lets them in as soon as the cloud takes the write.';
}

function remedyFor({ name, policy, lastRun, guards }: GateStatus): string {
  if (policy === 'observe') return `Run: postern apply --gate ${name} --policy add-only`;
  const stopped = guards.find(({ blocks }) => blocks === 'write');
  return stopped?.remedy ?? lastRun?.remedy ?? `See: postern plan --gate ${name}`;
}

function gateFails({ gates }: WatchStatus): readonly Situation[] {
  return gates
    .filter(({ consecutiveFailures, backOff }) => consecutiveFailures >= gateFailures || backOff?.isLasting)
    .map(gate => ({
      key: `gate-fails/${gate.name}`,
      id: 'gate-fails',
      severity: 'error',
      message: `Gate ${gate.name} cannot be looked after: ${gate.lastRun?.message ?? gate.backOff?.because ?? 'no reason is known'}`,
      gate: gate.name,
      addresses: [],
      did: `It failed ${count(gate.consecutiveFailures, 'time')} in a row, and goes on trying; other gates are not affected.`,
      remedy: gate.lastRun?.remedy ?? 'Run: postern doctor',
    }));
}

/** Neither failed nor seen: what is shown of such a gate may be long past. */
function gateNotSeen({ gates, nowMs }: WatchStatus): readonly Situation[] {
  return gates.flatMap(gate => {
    const forMs = unseenForMs(gate, nowMs);
    if (forMs === undefined) return [];
    const { name } = gate;
    const { because, remedy } = whyNotSeen(gate);
    return [
      {
        key: `gate-not-seen/${name}`,
        id: 'gate-not-seen',
        severity: 'error' as const,
        message: `Gate ${name} has not been looked at for ${formatDuration(forMs)}: ${because}`,
        gate: name,
        addresses: [],
        did: 'Nothing: what Atlas lists meanwhile is not let in there.',
        remedy,
      },
    ];
  });
}

function whyNotSeen({ isRunning, unseenSinceMs, lastRun }: GateStatus): { because: string; remedy: string } {
  if (isRunning) {
    return {
      because: 'the run over it does not end.',
      remedy: 'See the log for where it hangs, and restart this Postern.',
    };
  }
  if (unseenSinceMs === undefined) {
    return {
      because: 'its turn has come, and no run is begun.',
      remedy:
        'See whether runs over other gates hang or are slow: raise `watch.concurrency`, or start more workers; else restart this Postern.',
    };
  }
  return {
    because: lastRun?.message ?? 'somebody else has it.',
    remedy: 'End the other process, if it is still there.',
  };
}

function feedNotRead({ feeds, nowMs, startedAtMs }: WatchStatus): readonly Situation[] {
  return feeds.flatMap(({ feed, lastCompleteAtMs, faults, consecutiveFaults }) => {
    const forMs = nowMs - (lastCompleteAtMs ?? startedAtMs);
    if (consecutiveFaults === 0 || forMs < feedWarningMs) return [];
    return [
      {
        key: `feed-not-read/${feed}`,
        id: 'feed-not-read',
        severity: forMs >= feedErrorMs ? ('error' as const) : ('warning' as const),
        message: `The feed ${feed} has not been read completely for ${formatDuration(forMs)}: ${faults[0] ?? 'no reason is known'}`,
        feed,
        addresses: [],
        did: 'It goes on trying, lets in what incomplete answers list, and removes nothing.',
        remedy: 'Run: postern doctor',
      },
    ];
  });
}

/** What the plan's findings of severity `error` and `warning` say, but for what other rules tell better. */
function findings({ gates }: WatchStatus): readonly Situation[] {
  return gates.flatMap(gate =>
    gate.findings
      .filter(({ severity }) => severity !== 'info')
      .map((finding: Finding) => ({
        key: `finding/${gate.name}/${finding.id}`,
        id: finding.id,
        severity: finding.severity,
        message: `${gate.name}: ${finding.message}`,
        gate: gate.name,
        addresses: [],
        did: 'It goes on looking after the list.',
        ...(finding.remedy !== undefined && { remedy: finding.remedy }),
      })),
  );
}

/** Removals that are due for a day and wait for a person: for an approval, or for a look at a cap. */
function heldBack({ gates, nowMs }: WatchStatus): readonly Situation[] {
  return gates.flatMap(gate => {
    const due = gate.pendingRemovals.filter(
      ({ closesAtMs }) => closesAtMs !== undefined && nowMs - closesAtMs >= heldBackMs,
    );
    // Without a plan that closes something a gate only adds: that is what its owner chose.
    const guard = gate.policy === 'sync' && gate.guards.find(({ blocks }) => blocks === 'removals');
    if (due.length === 0 || !guard) return [];
    return [
      {
        key: `held-back/${gate.name}`,
        id: 'held-back',
        severity: 'warning' as const,
        message: `${countAddresses(due.length)} that Atlas no longer lists ${due.length === 1 ? 'is' : 'are'} still let in by gate ${gate.name}: ${guard.message}`,
        gate: gate.name,
        addresses: due.map(({ cidr }) => cidr),
        did: 'It holds the removal back.',
        remedy: guard.remedy,
      },
    ];
  });
}

function journalUnavailable({ journal }: WatchStatus): readonly Situation[] {
  if (journal.available) return [];
  return [
    {
      key: 'journal-unavailable',
      id: 'journal-unavailable',
      severity: 'error',
      message: `The journal ${journal.location} cannot be used: ${journal.because ?? 'no reason is known'}`,
      addresses: [],
      did: 'It goes on letting addresses in, and removes nothing.',
      remedy: 'Mend the journal: room on its disk, rights on its directory, or its database.',
    },
  ];
}

function configRefused({ config }: WatchStatus): readonly Situation[] {
  if (config.fault === undefined) return [];
  return [
    {
      key: 'config-refused',
      id: 'config-refused',
      severity: 'warning',
      // Its faults stand on lines of their own.
      message: `The new config ${config.path ?? ''} is not taken: ${config.fault.replaceAll(/\s*\n\s*/g, ' ')}`,
      addresses: [],
      did: 'It goes on with the one before.',
      remedy: 'Mend the file; it is read again by itself.',
    },
  ];
}

function internalFaults({ totals }: WatchStatus): readonly Situation[] {
  if (totals.internalFaults === 0) return [];
  return [
    {
      key: 'internal-fault',
      id: 'internal-fault',
      severity: 'warning',
      message: `Postern met ${totals.internalFaults} faults of its own that it did not foresee.`,
      addresses: [],
      did: 'It goes on; each is in the log.',
      remedy: 'Please report what the log says.',
    },
  ];
}
