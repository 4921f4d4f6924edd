/** Faults between values that are each right on their own. Works on any value, so that all faults are told at once. */
import type { Path } from './locate.ts';
import type { Fault } from './schema.ts';

export interface CrossFault extends Fault {
  readonly path: Path;
}

export function crossFaults(value: unknown): readonly CrossFault[] {
  const gates = listOf(fieldOf(value, 'gates'));
  return [
    ...authFaults(fieldOf(fieldOf(value, 'atlas'), 'auth')),
    ...repeated(gates, 'name', name => `two gates are called ${name}.`, 'Give each gate a name of its own.'),
    ...repeated(
      gates,
      'vault',
      vault => `two gates are the same vault, ${vault.split('/').at(-1)}.`,
      'Make them one gate, and list the projects of both.',
    ),
    ...gates.flatMap((gate, index) => repeatedProjects(gate, index)),
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

/** Names and resource ids differ in more than case, or they are the same. */
function repeated(
  gates: readonly unknown[],
  key: 'name' | 'vault',
  message: (value: string) => string,
  remedy: string,
): readonly CrossFault[] {
  const seen = new Set<string>();
  return gates.flatMap((gate, index) => {
    const value = fieldOf(gate, key);
    if (typeof value !== 'string') return [];
    const normal = value.toLowerCase();
    if (!seen.has(normal)) {
      seen.add(normal);
      return [];
    }
    return [{ path: ['gates', index, key], message: message(value), remedy }];
  });
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

function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
