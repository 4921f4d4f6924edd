/** Atlas as a whole: credentials, the control plane, clocks, versions. Pure. */
import { formatDuration } from '../../plan/render/time.ts';
import type { AtlasFacts, Trouble } from '../facts.ts';
import type { DoctorFinding } from '../report.ts';

const dayMs = 24 * 60 * 60 * 1000;
const skewWarningMs = 30_000;
/** AWS refuses signatures that are five minutes off (AWS General Reference, "Signature Version 4"). */
const skewErrorMs = 5 * 60_000;
const secretWarningMs = 30 * dayMs;
const secretErrorMs = 7 * dayMs;

export function atlasFindings(facts: AtlasFacts, nowMs: number): readonly DoctorFinding[] {
  return [
    ...credentials(facts),
    ...controlPlane(facts),
    ...clockSkew(facts),
    ...sunsets(facts, nowMs),
    ...secretEnds(facts, nowMs),
  ];
}

function credentials({ credentials, projects }: AtlasFacts): readonly DoctorFinding[] {
  if (!credentials.known) return [of('atlas-credentials-missing', credentials.trouble)];
  if (credentials.value === 'none') {
    return [
      {
        id: 'atlas-credentials-missing',
        severity: 'error',
        message: 'There are no credentials for Atlas.',
        remedy:
          'Name them under atlas.auth in the config, or set MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET.',
      },
    ];
  }
  if (projects === undefined || projects.known) return noProjects(projects);
  return [refusal(projects.trouble)];
}

function noProjects(projects: AtlasFacts['projects']): readonly DoctorFinding[] {
  if (!projects?.known || projects.value > 0) return [];
  return [
    {
      id: 'no-projects-visible',
      severity: 'error',
      message: 'The Atlas credentials are right, and see no project.',
      remedy: 'Give the service account the role Project Read Only on each project.',
    },
  ];
}

/** Why Atlas does not answer a request that needs credentials. */
export function refusal(trouble: Trouble): DoctorFinding {
  if (trouble.code === 'IP_ADDRESS_NOT_ON_ACCESS_LIST') return of('atlas-access-list', trouble);
  if (trouble.status === 401) return of('atlas-credentials-refused', trouble);
  if (trouble.status === 403) return of('atlas-forbidden', trouble);
  if (trouble.status === 410) return of('api-version-gone', trouble);
  return unknown('atlas-unreadable', trouble);
}

export function of(id: string, { message, remedy }: Trouble): DoctorFinding {
  return { id, severity: 'error', message, ...(remedy !== undefined && { remedy }) };
}

export function unknown(id: string, { message, remedy }: Pick<Trouble, 'message' | 'remedy'>): DoctorFinding {
  return { id, severity: 'warning', unknown: true, message, ...(remedy !== undefined && { remedy }) };
}

function controlPlane({ controlPlane }: AtlasFacts): readonly DoctorFinding[] {
  const [first, ...others] = controlPlane.faults;
  if (controlPlane.complete || !first) return controlPlane.findings;
  return [
    ...controlPlane.findings,
    {
      id: 'control-plane-incomplete',
      severity: 'warning',
      unknown: true,
      message: `The control plane's addresses could not be read completely: ${first.message}${others.length > 0 ? ` (and ${others.length} more faults)` : ''}`,
      remedy: 'Nothing to do if it passes: an incomplete answer adds and never removes. See: postern ips',
    },
  ];
}

function clockSkew({ clock }: AtlasFacts): readonly DoctorFinding[] {
  if (!clock) return [];
  const skewMs = clock.oursMs - clock.theirsMs;
  if (Math.abs(skewMs) < skewWarningMs) return [];
  return [
    {
      id: 'clock-skew',
      severity: Math.abs(skewMs) >= skewErrorMs ? 'error' : 'warning',
      message: `This machine's clock is ${formatDuration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} Atlas's.`,
      remedy: 'Have the clock set by NTP.',
    },
  ];
}

function sunsets({ sunsets: all }: AtlasFacts, nowMs: number): readonly DoctorFinding[] {
  return all.map(({ path, atMs }) => ({
    id: 'api-sunset',
    severity: atMs <= nowMs ? ('error' as const) : ('warning' as const),
    message: `The version of Atlas's API that Postern reads ${path} with ends on ${day(atMs)}.`,
    remedy: 'Upgrade Postern before then.',
  }));
}

function secretEnds({ secretEndsAtMs }: AtlasFacts, nowMs: number): readonly DoctorFinding[] {
  if (secretEndsAtMs === undefined || secretEndsAtMs - nowMs > secretWarningMs) return [];
  const isSoon = secretEndsAtMs - nowMs <= secretErrorMs;
  return [
    {
      id: 'atlas-secret-ends',
      severity: isSoon ? 'error' : 'warning',
      message: `The secret of the Atlas service account ends on ${day(secretEndsAtMs)}.`,
      remedy: 'Make another secret for it in Atlas, and put that where the config says.',
    },
  ];
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
