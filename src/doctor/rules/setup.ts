/** The config and the journal. Pure. */
import { formatDuration } from '../../plan/render/time.ts';
import type { JournalFacts, SetupFacts } from '../facts.ts';
import type { DoctorFinding } from '../report.ts';

/** Longer than anybody would poll. */
const staleMs = 24 * 60 * 60 * 1000;

export function setupFindings({ config, journal }: SetupFacts, nowMs: number): readonly DoctorFinding[] {
  if (!config.known) {
    const { message, remedy } = config.trouble;
    return [{ id: 'config-unreadable', severity: 'error', message, ...(remedy !== undefined && { remedy }) }];
  }
  return [
    ...config.value.findings,
    ...noGates(config.value),
    ...(journal === undefined
      ? []
      : journal.known
        ? staleJournal(journal.value, nowMs)
        : [unusable(journal)]),
  ];
}

function noGates({ path, gates }: { path: string | undefined; gates: number }): readonly DoctorFinding[] {
  if (gates > 0) return [];
  return [
    {
      id: 'no-gates',
      severity: 'error',
      message:
        path === undefined ? 'There is no config, so Postern looks after nothing.' : `${path} names no gate.`,
      remedy: 'Run: postern init',
    },
  ];
}

function unusable({
  trouble,
}: {
  readonly trouble: { message: string; remedy: string | undefined };
}): DoctorFinding {
  return {
    id: 'journal-unusable',
    severity: 'error',
    message: `The journal cannot be used: ${trouble.message}`,
    remedy: trouble.remedy ?? 'Check that the folder can be written, or name another place with --state.',
  };
}

function staleJournal({ location, newestAtMs }: JournalFacts, nowMs: number): readonly DoctorFinding[] {
  if (newestAtMs === undefined) {
    return [
      {
        id: 'journal-new',
        severity: 'info',
        message: `The journal ${location} holds no reading yet.`,
        remedy: 'Nothing to do if Postern has not run before; otherwise check --state and POSTERN_STATE.',
      },
    ];
  }
  if (nowMs - newestAtMs <= staleMs) return [];
  return [
    {
      id: 'journal-stale',
      severity: 'warning',
      message: `Postern last read Atlas's addresses ${formatDuration(nowMs - newestAtMs)} ago, by the journal ${location}.`,
      remedy: 'Have a scheduler run `postern apply --yes`, or check that it uses this journal.',
    },
  ];
}
