/**
 * What a service perimeter makes of the level. Pure. A level by itself lets in nobody: it has an effect where a
 * perimeter restricts Cloud KMS, and names the level itself or in an ingress rule. The perimeter is never written.
 */
import type { Finding } from '../../finding.ts';
import type { Lets } from '../gate.ts';
import type { IngressPolicyAnswer, PerimeterAnswer, PerimeterConfigAnswer } from './schema.ts';

export interface PerimeterReading {
  /** `list`: those whom the level lets in. Anything else holds whatever the level says. */
  readonly admits: 'list' | Exclude<Lets, 'listed'>;
  readonly findings: readonly Finding[];
  /** Who may come in by the ingress rules that use the level. */
  readonly identities: readonly string[];
}

const kms = 'cloudkms.googleapis.com';

/** @param exists whether the level is there at all: what is not cannot be used */
export function readPerimeter(perimeter: PerimeterAnswer, level: string, exists: boolean): PerimeterReading {
  const { status, name } = perimeter;
  const id = name.split('/').at(-1)!;
  if (perimeter.perimeterType === 'PERIMETER_TYPE_BRIDGE') {
    return says('unknown', {
      id: 'perimeter-is-bridge',
      severity: 'error',
      message: `The perimeter ${id} is a bridge, which restricts nothing.`,
      remedy: "Name the regular perimeter that encloses the key's project.",
    });
  }
  const dryRun = dryRunOf(perimeter);
  if ((status?.resources ?? []).length === 0) {
    return says('everyone', {
      id: 'perimeter-encloses-nothing',
      severity: 'error',
      message: `The perimeter ${id} encloses no project: everyone may call Cloud KMS, and the list decides nothing.`,
      remedy: "Put the key's project into the perimeter, or name the perimeter that encloses it.",
    });
  }
  if (!status?.restrictedServices?.includes(kms)) {
    const only = dryRun?.restrictedServices?.includes(kms) ? '; only its dry run does' : '';
    return says('everyone', {
      id: 'kms-not-restricted',
      severity: 'error',
      message: `The perimeter ${id} does not restrict ${kms}${only}: everyone may call it, and the list decides nothing.`,
      remedy: `When every address of Atlas is in the list (postern check), add ${kms} to the perimeter's restricted services. Postern never changes it.`,
    });
  }
  const used = useOf(status, level);
  const reading =
    used.rules.length > 0 || used.byPerimeter
      ? inForce(id, used)
      : unused(id, status, dryRun, level, exists, used);
  return {
    ...reading,
    findings: [...reading.findings, ...anywhereFindings(status), ...dryRunFindings(id, dryRun, level)],
  };
}

interface Use {
  /** The perimeter itself names the level. */
  readonly byPerimeter: boolean;
  /** Ingress rules for Cloud KMS that name it. */
  readonly rules: readonly IngressPolicyAnswer[];
  /** Ingress rules that name it and let nobody use Cloud KMS: why. */
  readonly faults: readonly string[];
}

function useOf(config: PerimeterConfigAnswer, level: string): Use {
  const naming = (config.ingressPolicies ?? []).filter(rule => sourcesOf(rule).includes(level));
  return {
    byPerimeter: config.accessLevels?.includes(level) ?? false,
    rules: naming.filter(rule => faultOf(rule) === undefined),
    faults: naming.flatMap(rule => faultOf(rule) ?? []),
  };
}

function sourcesOf({ ingressFrom }: IngressPolicyAnswer): readonly string[] {
  return (ingressFrom?.sources ?? []).flatMap(({ accessLevel }) => accessLevel ?? []);
}

/** Why an ingress rule lets no service account use Cloud KMS; undefined when it may let one. */
function faultOf({ ingressFrom, ingressTo }: IngressPolicyAnswer): string | undefined {
  const services = (ingressTo?.operations ?? []).map(({ serviceName }) => serviceName);
  if (!services.some(name => name === kms || name === '*') && (ingressTo?.roles ?? []).length === 0) {
    return `it is not for ${kms}`;
  }
  if ((ingressTo?.resources ?? []).length === 0) return 'it names no project to come to';
  const { identities, identityType } = ingressFrom ?? {};
  const isForAny = ['ANY_IDENTITY', 'ANY_SERVICE_ACCOUNT'].includes(identityType ?? '');
  if (!isForAny && (identities ?? []).length === 0) return 'it names no service account';
  return undefined;
}

function inForce(id: string, { byPerimeter, rules }: Use): PerimeterReading {
  const identities = rules.flatMap(({ ingressFrom }) => ingressFrom?.identities ?? []);
  const wide: Finding = {
    id: 'level-opens-perimeter',
    severity: 'info',
    message: `The perimeter ${id} names the access level itself: from Atlas's addresses any identity reaches every service that it restricts.`,
    remedy:
      "An ingress rule for Atlas's service account and Cloud KMS alone is narrower; see docs/google-cloud.md.",
  };
  return { admits: 'list', identities, findings: byPerimeter ? [wide] : [] };
}

function unused(
  id: string,
  status: PerimeterConfigAnswer,
  dryRun: PerimeterConfigAnswer | undefined,
  level: string,
  exists: boolean,
  { faults }: Use,
): PerimeterReading {
  const others =
    (status.accessLevels ?? []).length > 0 ||
    (status.ingressPolicies ?? []).some(rule => faultOf(rule) === undefined && sourcesOf(rule).length > 0);
  const planned = dryRun && useOf(dryRun, level);
  const why = [
    faults.length > 0 && ` An ingress rule names it, but ${faults[0]}.`,
    planned && (planned.byPerimeter || planned.rules.length > 0) && ' Only its dry run does.',
  ].find(Boolean);
  return says(others ? 'unknown' : 'nobody', {
    id: 'level-not-used',
    severity: 'error',
    message: `The perimeter ${id} restricts ${kms} and does not use the access level, so the list lets in nobody.${why || ''}${others ? ' Another level or rule may let Atlas in; Postern does not read those.' : ''}`,
    remedy: `${exists ? 'Add' : 'Let the first `postern apply` make the level, then add'} an ingress rule to the perimeter: from Atlas's service account, source this level, to ${kms}. Postern never changes the perimeter; docs/google-cloud.md shows the rule.`,
  });
}

/** Ingress rules by which some come in from anywhere: for them the list decides nothing. */
function anywhereFindings({ ingressPolicies }: PerimeterConfigAnswer): readonly Finding[] {
  const rules = (ingressPolicies ?? []).filter(
    rule => faultOf(rule) === undefined && sourcesOf(rule).includes('*'),
  );
  return rules.map(({ title, ingressFrom }) => {
    const who = ingressFrom?.identities?.length
      ? ingressFrom.identities.slice(0, 3).join(', ')
      : (ingressFrom?.identityType ?? 'some');
    return {
      id: 'ingress-from-anywhere',
      severity: 'warning' as const,
      message: `The ingress rule ${JSON.stringify(title ?? '')} lets ${who} use ${kms} from anywhere; for them the list decides nothing.`,
      remedy: 'Name an access level as the source of the rule in place of *.',
    };
  });
}

/** Without the explicit flag the dry run is what is enforced. */
function dryRunOf({ spec, useExplicitDryRunSpec }: PerimeterAnswer): PerimeterConfigAnswer | undefined {
  return useExplicitDryRunSpec ? (spec ?? {}) : undefined;
}

function dryRunFindings(
  id: string,
  dryRun: PerimeterConfigAnswer | undefined,
  level: string,
): readonly Finding[] {
  if (!dryRun?.restrictedServices?.includes(kms)) return [];
  const { byPerimeter, rules } = useOf(dryRun, level);
  if (byPerimeter || rules.length > 0) return [];
  return [
    {
      id: 'dry-run-drops-level',
      severity: 'warning',
      message: `The dry-run configuration of the perimeter ${id} does not use the access level: Atlas is locked out once it is enforced.`,
      remedy: 'Add the ingress rule to the dry-run configuration too.',
    },
  ];
}

function says(admits: PerimeterReading['admits'], finding: Finding): PerimeterReading {
  return { admits, findings: [finding], identities: [] };
}
