/** Keys that every gate of a kind shall have, from a file: how to sign in, for one. */
import { parse } from 'yaml';
import { z } from 'zod';
import { systemFiles } from '../../config/index.ts';
import { type GateKind, gateKinds } from '../../gates/gate.ts';
import { UsageError } from '../failures.ts';
import type { GateKeys } from './config-file.ts';

/** What init finds out, or asks. */
const ownKeys = new Set(['name', 'kind', 'projects', 'policy', 'adopt', 'vault', 'key', 'role', 'level']);

const shape = z.partialRecord(z.enum(gateKinds), z.record(z.string(), z.unknown()));

/** Throws a UsageError. Its values are checked with the whole config. */
export function readDefaults(path: string | undefined): (kind: GateKind) => GateKeys {
  if (path === undefined) return () => ({});
  let value: unknown;
  try {
    value = parse(systemFiles.readText(path));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'it is no YAML';
    throw new UsageError(`The file ${path} cannot be read (${code}).`, 'Check --defaults.');
  }
  const parsed = shape.safeParse(value);
  const own = Object.values(parsed.data ?? {})
    .flatMap(Object.keys)
    .find(key => ownKeys.has(key));
  if (own !== undefined) {
    throw new UsageError(
      `The file ${path} says ${own}, which each gate has of its own.`,
      'Take it out of the file.',
    );
  }
  if (!parsed.success) {
    throw new UsageError(
      `The file ${path} is not what --defaults takes.`,
      `Expected kinds of gates (${gateKinds.join(', ')}), each with the keys that its gates shall have.`,
    );
  }
  return kind => parsed.data[kind] ?? {};
}
