/** Faults between values that are each right on their own. Works on any value, so that all faults are told at once. */
import type { Fault } from './fields.ts';
import { coverWeek, parseDated, parseWeekly } from './freeze.ts';
import type { Path } from './locate.ts';
import { defaultPolicyName } from './schema.ts';

export interface CrossFault extends Fault {
  readonly path: Path;
}

export function crossFaults(value: unknown): readonly CrossFault[] {
  const gates = listOf(fieldOf(value, 'gates'));
  return [
    ...authFaults(fieldOf(fieldOf(value, 'atlas'), 'auth')),
    ...repeated('gates', gates, 'name', textAt('name'), name => `two gates are called ${name}.`, ownName),
    ...repeated(
      'notify',
      listOf(fieldOf(value, 'notify')),
      'name',
      textAt('name'),
      name => `two channels are called ${name}.`,
      'Give each channel a name of its own.',
    ),
    ...repeated(
      'gates',
      gates,
      'vault',
      textAt('vault'),
      vault => `two gates are the same vault, ${lastPart(vault)}.`,
      oneGate,
    ),
    ...repeated(
      'gates',
      gates,
      'level',
      textAt('level'),
      level => `two gates are the same access level, ${lastPart(level)}.`,
      oneGate,
    ),
    ...repeated(
      'gates',
      gates,
      'key',
      gate => (fieldOf(gate, 'kind') === 'aws-key-policy' ? textAt('key')(gate) : undefined),
      key => `two gates are the policy of the same key, ${lastPart(key)}.`,
      oneGate,
    ),
    ...repeated(
      'gates',
      gates,
      'role',
      rolePolicyOf,
      policy => `two gates are the same policy of the same role, ${lastPart(policy)}.`,
      'Make them one gate, and list the projects of both; or give each a `policyName` of its own.',
    ),
    ...gates.flatMap((gate, index) => repeatedProjects(gate, index)),
    ...gates.flatMap((gate, index) => freezeFaults(gate, index)),
  ];
}

function authFaults(auth: unknown): readonly CrossFault[] {
  if (typeof auth !== 'object' || auth === null || Array.isArray(auth)) return [];
  const given = ['serviceAccount', 'apiKey'].filter(name => fieldOf(auth, name) !== undefined);
  if (given.length === 1) return [];
  const message = `expected one of serviceAccount and apiKey; got ${given.length === 0 ? 'neither' : 'both'}.`;
  const remedy = 'Keep one. MongoDB recommends service accounts.';
  return [{ path: ['atlas', 'auth'], message, ...(given.length === 2 && { remedy }) }];
}

const ownName = 'Give each gate a name of its own.';
const oneGate = 'Make them one gate, and list the projects of both.';

/**
 * Names and resource ids differ in more than case, or they are the same.
 *
 * @param identityOf what no two of the list may share; undefined where one has no such thing
 */
function repeated(
  list: 'gates' | 'notify',
  items: readonly unknown[],
  key: string,
  identityOf: (item: unknown) => string | undefined,
  message: (value: string) => string,
  remedy: string,
): readonly CrossFault[] {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const value = identityOf(item);
    if (value === undefined) return [];
    const normal = value.toLowerCase();
    if (!seen.has(normal)) {
      seen.add(normal);
      return [];
    }
    return [{ path: [list, index, key], message: message(value), remedy }];
  });
}

function textAt(key: string): (gate: unknown) => string | undefined {
  return gate => {
    const value = fieldOf(gate, key);
    return typeof value === 'string' ? value : undefined;
  };
}

function rolePolicyOf(gate: unknown): string | undefined {
  const role = textAt('role')(gate);
  if (role === undefined || fieldOf(gate, 'kind') !== 'aws-role-policy') return undefined;
  return `${role}/${textAt('policyName')(gate) ?? defaultPolicyName}`;
}

function lastPart(text: string): string {
  return text.split('/').at(-1)!;
}

function repeatedProjects(gate: unknown, index: number): readonly CrossFault[] {
  const projects = listOf(fieldOf(gate, 'projects'));
  return projects.flatMap((project, position) =>
    typeof project === 'string' && projects.indexOf(project) < position
      ? [
          {
            path: ['gates', index, 'projects', position],
            message: `project ${project} is listed twice.`,
            remedy: 'Take one out.',
          },
        ]
      : [],
  );
}

/** A window is `weekly`, or from one moment to a later one; and together they leave some time. */
function freezeFaults(gate: unknown, index: number): readonly CrossFault[] {
  const windows = listOf(fieldOf(fieldOf(gate, 'removal'), 'freeze'));
  const path = ['gates', index, 'removal', 'freeze'];
  return [
    ...windows.flatMap((window, position) => windowFaults(window, [...path, position])),
    ...alwaysFrozen(windows, path),
  ];
}

function windowFaults(window: unknown, path: Path): readonly CrossFault[] {
  if (typeof window !== 'object' || window === null || Array.isArray(window)) return [];
  const given = ['weekly', 'from', 'to'].filter(key => fieldOf(window, key) !== undefined);
  if (!['weekly', 'from,to'].includes(given.join())) {
    const came = given.length === 0 ? 'none of them' : given.join(' and ');
    const remedy = 'Write weekly: fri 16:00 - mon 08:00, or from: 2026-12-20 and to: 2027-01-06.';
    return [{ path, message: `expected weekly, or from and to; got ${came}.`, remedy }];
  }
  const [from, to] = (['from', 'to'] as const).map(edge => {
    const text = fieldOf(window, edge);
    return typeof text === 'string' ? parseDated(text, edge) : undefined;
  });
  if (from === undefined || to === undefined || from < to) return [];
  return from === to
    ? [{ path, message: 'it ends when it begins, so it freezes nothing.', remedy: 'Write another end.' }]
    : [{ path, message: 'it ends before it begins.', remedy: 'Swap from and to.' }];
}

/** Each of them may be right, and all together are `add-only` without saying so. */
function alwaysFrozen(windows: readonly unknown[], path: Path): readonly CrossFault[] {
  const byZone = Object.groupBy(windows, window => String(fieldOf(window, 'timeZone') ?? 'UTC'));
  const isAlways = Object.values(byZone).some(ofZone =>
    coverWeek((ofZone ?? []).flatMap(window => parseWeekly(String(fieldOf(window, 'weekly'))) ?? [])),
  );
  if (!isAlways) return [];
  const message = 'the weekly windows leave no minute of the week, so nothing would ever be removed.';
  return [{ path, message, remedy: 'Shorten one, or set policy: add-only.' }];
}

function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
