/**
 * The protocol of Terraform's `external` data source: a JSON object of strings on stdin, one on stdout
 * (hashicorp/external, "External Program Protocol"). Pure.
 */
import { z } from 'zod';
import type { Cidr } from '../../address/cidr.ts';
import { UsageError } from '../failures.ts';

const flag = z.enum(['true', 'false']).optional();
const query = z.strictObject({
  gate: z.string().min(1).optional(),
  projects: z
    .string()
    .regex(
      /^\s*[0-9a-f]{24}(\s*,\s*[0-9a-f]{24})*\s*$/i,
      'expected project ids, 24 hexadecimal digits each, with commas between',
    )
    .optional(),
  merge: flag,
  allow_incomplete: flag,
});

export interface ExternalQuery {
  readonly gate: string | undefined;
  readonly projects: readonly string[];
  readonly merge: boolean;
  readonly allowIncomplete: boolean;
}

/** Throws a UsageError that says what is wrong with the query. */
export function parseQuery(text: string): ExternalQuery {
  let value: unknown;
  try {
    value = JSON.parse(text.trim() === '' ? '{}' : text);
  } catch {
    throw new UsageError('The query on stdin is no JSON.', remedy);
  }
  const parsed = query.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new UsageError(
      `The query on stdin: ${[issue?.path.join('.'), issue?.message].filter(Boolean).join(': ')}.`,
      remedy,
    );
  }
  const { gate, projects, merge, allow_incomplete } = parsed.data;
  if (gate !== undefined && projects !== undefined) {
    throw new UsageError(
      'The query on stdin names both a gate and projects.',
      'A gate knows its projects: name one of them.',
    );
  }
  return {
    gate,
    projects: [
      ...new Set(
        (projects ?? '')
          .toLowerCase()
          .split(',')
          .map(id => id.trim())
          .filter(Boolean),
      ),
    ],
    merge: merge === 'true',
    allowIncomplete: allow_incomplete === 'true',
  };
}

const remedy =
  'Expected an object of strings: gate or projects (with commas between); merge and allow_incomplete, "true" or "false".';

/** Every value is a text; nothing in it changes unless the list does, so that Terraform sees no change either. */
export function resultOf(cidrs: readonly Cidr[], complete: boolean): Readonly<Record<string, string>> {
  return {
    addresses: cidrs.join(','),
    addresses_json: JSON.stringify(cidrs),
    count: String(cidrs.length),
    complete: String(complete),
  };
}
