/** What doctor says: sections of findings, and what they amount to. Pure. */
import { type Finding, type Severity, severities } from '../finding.ts';

export interface DoctorFinding extends Finding {
  /** It could not be found out, so it is no verdict. */
  readonly unknown?: true;
}

export const areas = ['setup', 'atlas', 'project', 'gate'] as const;
export type Area = (typeof areas)[number];

export interface Section {
  readonly area: Area;
  /** Of the project or the gate; empty for the others. */
  readonly name: string;
  readonly title: string;
  /** Worst first. */
  readonly findings: readonly DoctorFinding[];
}

export function sectionOf(
  area: Area,
  name: string,
  title: string,
  findings: readonly DoctorFinding[],
): Section {
  return { area, name, title, findings: findings.toSorted((a, b) => rankOf(a) - rankOf(b)) };
}

function rankOf({ severity, unknown }: DoctorFinding): number {
  return severities.indexOf(severity) * 2 + (unknown ? 1 : 0);
}

export const conclusions = ['well', 'errors', 'cannot-tell'] as const;
export type Conclusion = (typeof conclusions)[number];

/** An error that is known counts before what could not be found out. */
export function concludes(sections: readonly Section[]): Conclusion {
  const findings = sections.flatMap(section => section.findings);
  if (findings.some(({ severity, unknown }) => severity === 'error' && !unknown)) return 'errors';
  return findings.some(({ unknown }) => unknown) ? 'cannot-tell' : 'well';
}

export function countsOf(sections: readonly Section[]): Readonly<Record<Severity | 'unknown', number>> {
  const findings = sections.flatMap(section => section.findings);
  const count = (severity: Severity) =>
    findings.filter(each => each.severity === severity && !each.unknown).length;
  return {
    error: count('error'),
    warning: count('warning'),
    info: count('info'),
    unknown: findings.filter(({ unknown }) => unknown).length,
  };
}
