/**
 * What an access level means for the gate. Pure. A level of ours is a set of conditions that hold addresses and
 * nothing else, one of which must be met. Anything else is read as far as it is understood, and never written over.
 *
 *   conditions                       | who comes in          | written over
 *   ---------------------------------+-----------------------+-------------------------------
 *   no level                         | nobody by it          | yes: it is made
 *   one with addresses               | those                 | yes
 *   several with addresses, OR       | those of any          | yes
 *   several with addresses, AND      | those that are in all | yes: with OR, the others carried over
 *   one without addresses            | everyone (AND: `unknown`) | no
 *   one with other requirements      | those of the others, with OR; else `unknown` | no
 *   none, or a CEL expression        | `unknown`             | no
 */
import { createHash } from 'node:crypto';
import { AddressSet } from '../../address/address-set.ts';
import { type Cidr, tryParseCidr } from '../../address/cidr.ts';
import { neverWrittenReason } from '../../address/classify.ts';
import type { Finding } from '../../finding.ts';
import type { Lets, Revision } from '../gate.ts';
import type { ConditionAnswer, LevelAnswer } from './schema.ts';

/** One address of the list: the text that Google holds, and what it means; undefined where it cannot be read. */
export interface Subnetwork {
  readonly text: string;
  readonly cidr: Cidr | undefined;
  readonly masked: boolean;
}

export interface LevelReading {
  readonly exists: boolean;
  /** Those that let in, in canonical form, without duplicates. */
  readonly entries: readonly Cidr[];
  /** All that the level holds, in its own order, those included that let nobody in. */
  readonly subnetworks: readonly Subnetwork[];
  /** Listed, and letting nobody in, because not every condition lists them. A write has them let in again. */
  readonly idle: readonly Cidr[];
  /** Whom the level lets in, wherever it is used. */
  readonly lets: Lets;
  /** Why the level is not written over, in a sentence, and what to do; undefined when it may be. */
  readonly obstacle: { readonly id: string; readonly message: string; readonly remedy: string } | undefined;
  readonly revision: Revision;
  readonly findings: readonly Finding[];
}

export function readLevel(level: LevelAnswer | undefined): LevelReading {
  const conditions = level?.basic?.conditions ?? [];
  const subnetworks = conditions.flatMap(({ ipSubnetworks }) => (ipSubnetworks ?? []).map(parse));
  const listed = [...new Set(subnetworks.flatMap(({ cidr }) => cidr ?? []))];
  const obstacle = level && obstacleOf(level);
  const isAnd = combiningOf(level) === 'AND';
  const inForce = isAnd
    ? listed.filter(cidr => conditions.every(condition => covers(condition, cidr)))
    : listed;
  const present = new Set(inForce);
  const idle = listed.filter(cidr => !present.has(cidr));
  return {
    exists: level !== undefined,
    entries: inForce,
    subnetworks,
    idle,
    lets: letsOf(level, obstacle?.id),
    obstacle,
    revision: revisionOf(level),
    findings: [
      ...(level === undefined ? [absent] : []),
      ...(obstacle ? [{ ...obstacle, severity: 'error' as const }] : []),
      ...idleFindings(idle),
      ...subnetworks.flatMap(subnetworkFindings),
    ],
  };
}

/** One condition alone is as well met by "all" as by "any". */
function combiningOf(level: LevelAnswer | undefined): string {
  const { combiningFunction, conditions } = level?.basic ?? {};
  return (conditions ?? []).length < 2 ? 'OR' : (combiningFunction ?? 'AND');
}

function obstacleOf(level: LevelAnswer): LevelReading['obstacle'] {
  const { basic } = level;
  const conditions = basic?.conditions ?? [];
  if (level.custom != null || !basic) {
    return {
      id: 'custom-level',
      message:
        'The access level is written as an expression (CEL), which Postern does not read and never writes over.',
      remedy: 'Give Postern a level of its own in the config; one that does not exist is made.',
    };
  }
  const other = [
    ...membersBeside(basic, ['combiningFunction', 'conditions']),
    ...conditions.flatMap(condition => membersBeside(condition, ['ipSubnetworks'])),
  ];
  if (other.length > 0) {
    return {
      id: 'other-requirements',
      message: `The access level asks for more than addresses (${[...new Set(other)].sort().join(', ')}), which Postern does not write over.`,
      remedy:
        'Take them out, or give Postern a level of its own in the config; the rule that uses the one can use both.',
    };
  }
  if (!['AND', 'OR'].includes(combiningOf(level))) {
    return {
      id: 'other-requirements',
      message: `The access level combines its conditions in a way that Postern does not know (${combiningOf(level).slice(0, 40)}).`,
      remedy: 'Upgrade Postern.',
    };
  }
  if (conditions.length === 0 || conditions.some(isEmpty)) {
    return {
      id: 'condition-without-addresses',
      message:
        conditions.length === 0
          ? 'The access level has no conditions at all, and Postern does not guess whom that lets in.'
          : 'The access level has a condition without addresses, which lets in everyone. Postern does not narrow what someone opened.',
      remedy:
        'Put an address of your own into every condition; or delete the level, if nothing uses it yet, and Postern makes it.',
    };
  }
  return undefined;
}

function letsOf(level: LevelAnswer | undefined, obstacle: string | undefined): Lets {
  if (obstacle === undefined) return 'listed';
  const conditions = level?.basic?.conditions ?? [];
  if (combiningOf(level) !== 'OR' || conditions.length === 0 || obstacle === 'custom-level') return 'unknown';
  if (conditions.some(condition => isEmpty(condition) && isPlain(condition))) return 'everyone';
  // With "any", what else is asked for in one condition takes nothing from the addresses of another.
  return conditions.some(isPlain) &&
    conditions.filter(isPlain).some(({ ipSubnetworks }) => ipSubnetworks?.length)
    ? 'listed'
    : 'unknown';
}

function isEmpty({ ipSubnetworks }: ConditionAnswer): boolean {
  return (ipSubnetworks ?? []).length === 0;
}

function isPlain(condition: ConditionAnswer): boolean {
  return membersBeside(condition, ['ipSubnetworks']).length === 0;
}

/** Members that say something; `negate: false` and an empty list do not. */
function membersBeside(
  object: Readonly<Record<string, unknown>>,
  known: readonly string[],
): readonly string[] {
  return Object.entries(object)
    .filter(([name, value]) => !known.includes(name) && value != null && value !== false)
    .filter(([, value]) => !(Array.isArray(value) && value.length === 0))
    .map(([name]) => name);
}

const coveredBy = new WeakMap<ConditionAnswer, AddressSet>();

function covers(condition: ConditionAnswer, cidr: Cidr): boolean {
  let set = coveredBy.get(condition);
  if (!set) {
    set = AddressSet.of((condition.ipSubnetworks ?? []).flatMap(text => parse(text).cidr ?? []));
    coveredBy.set(condition, set);
  }
  return set.covers(cidr);
}

function parse(text: string): Subnetwork {
  // Lenient with what is there already: a bare address and host bits are somebody's, and understood.
  const parsed = tryParseCidr(text, { bare: 'host', hostBits: 'mask' });
  return { text, cidr: parsed.ok ? parsed.cidr : undefined, masked: parsed.ok && parsed.masked };
}

/**
 * Equal exactly when the level lets in the same, by the same conditions. A level has no etag, and Google gives
 * lists back in another order (magic-modules issues 12119, 10965). Title and description are no part of it.
 */
function revisionOf(level: LevelAnswer | undefined): Revision {
  const { basic, custom } = level ?? {};
  const conditions = (basic?.conditions ?? []).map(({ ipSubnetworks, ...others }) =>
    JSON.stringify([
      [...new Set((ipSubnetworks ?? []).map(text => parse(text).cidr ?? text))].sort(),
      canonical(membersBeside(others, []).map(name => [name, others[name]])),
    ]),
  );
  const content = [level !== undefined, combiningOf(level), conditions.sort(), canonical(custom)];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex') as Revision;
}

/** Members in one order, lists sorted: equal things are equal texts. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(item => JSON.stringify(canonical(item))).sort();
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, canonical(member)]);
}

const absent: Finding = {
  id: 'level-absent',
  severity: 'info',
  message: 'The access level does not exist yet; the first `postern apply` makes it.',
};

function idleFindings(idle: readonly Cidr[]): readonly Finding[] {
  if (idle.length === 0) return [];
  return [
    {
      id: 'conditions-combined-with-and',
      severity: 'error',
      message: `The access level combines its conditions with AND, so that ${idle.length} of its addresses let nobody in.`,
      remedy:
        'The next write of Postern combines them with OR. If Terraform manages the level, have it ignore the whole `basic` block: `combining_function` is AND where it is not given.',
    },
  ];
}

function subnetworkFindings({ text, cidr, masked }: Subnetwork): readonly Finding[] {
  if (cidr === undefined) {
    return [
      {
        id: 'entry-not-understood',
        severity: 'warning',
        message: `The access level lists ${JSON.stringify(text.slice(0, 80))}, which is no address block; it is kept as it is.`,
      },
    ];
  }
  const reason = neverWrittenReason(cidr);
  return [
    ...(masked
      ? [
          {
            id: 'host-bits',
            severity: 'info' as const,
            message: `The access level lists ${text}, which has host bits set; it is read as ${cidr} and kept as it is.`,
          },
        ]
      : []),
    ...(reason === undefined
      ? []
      : [
          {
            id: 'questionable-entry',
            severity: 'warning' as const,
            message: `The access level lets in ${cidr}, which Postern would never write: ${reason}.`,
            remedy: "It is someone else's, and is left alone; see whether it is needed.",
          },
        ]),
  ];
}
