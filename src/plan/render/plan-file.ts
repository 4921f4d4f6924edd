/** A saved plan: read back for `apply FILE`. Only its form is checked here; whether it still holds is for apply. */
import { z } from 'zod';
import type { Plan } from '../plan.ts';
import { planKeys, planSchema } from './plan-schema.ts';
import { printable } from './printable.ts';

export const planFileVersion = 1;

export const planFileKeys: readonly string[] = [...new Set(['postern', 'version', 'plans', ...planKeys])];

const shownFaults = 5;
const again = 'Make it again with `postern plan --out FILE`.';

/** The file is not a plan that this Postern reads: the message says where, what was expected, and what to do. */
export class PlanFileError extends Error {
  override readonly name = 'PlanFileError';
}

/**
 * The plans in a plan file's text. Throws a `PlanFileError`. The checksum is not looked at: a plan may have
 * been edited by hand, and whoever applies it compares it with the world.
 */
export function parsePlanFile(text: string): Plan[] {
  const value = parseJson(text.replace(/^\ufeff/, ''));
  const { version } = parseHead(value);
  if (version > planFileVersion) {
    throw new PlanFileError(
      `The plan file is of version ${version}, and this Postern reads version ${planFileVersion}. Update Postern, or make the plan again with this one.`,
    );
  }
  const result = planFileSchema.safeParse(value);
  if (!result.success) throw new PlanFileError(describeIssues(result.error.issues));
  return result.data.plans;
}

const planFileSchema = z.strictObject({
  postern: z.literal('plan'),
  version: z.literal(planFileVersion),
  plans: z.array(planSchema),
});

const headSchema = z.looseObject({ postern: z.literal('plan'), version: z.int() });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's message quotes the text, and a file given by mistake may hold a secret.
    throw new PlanFileError(`The plan file is not JSON${placeOf(error, text)}. ${again}`);
  }
}

function placeOf(error: unknown, text: string): string {
  if (text.trim() === '') return ': it is empty';
  const position = /position (\d+)/.exec(String(error))?.[1];
  if (position === undefined) return /end of JSON input/.test(String(error)) ? ': it ends too early' : '';
  const before = text.slice(0, Number(position)).split('\n');
  return `: something is wrong at line ${before.length}, column ${before.at(-1)!.length + 1}`;
}

function parseHead(value: unknown): z.output<typeof headSchema> {
  const result = headSchema.safeParse(value);
  if (result.success) return result.data;
  if (result.error.issues.some(({ path }) => path[0] !== 'version')) {
    throw new PlanFileError(
      `The file is JSON, but not a Postern plan: expected "postern": "plan" at its top. ${again}`,
    );
  }
  throw new PlanFileError(describeIssues(result.error.issues));
}

function describeIssues(issues: readonly z.core.$ZodIssue[]): string {
  const faults = issues.slice(0, shownFaults).map(({ path, message }) => {
    const sentence = message.length > 300 ? `${message.slice(0, 300)}…` : message;
    return `  ${printable(`${writePath(path)}: ${sentence}`)}`;
  });
  const rest = issues.length - faults.length;
  const more = rest > 0 ? [`  and ${rest} more`] : [];
  return ['The plan file is not a plan as Postern writes it:', ...faults, ...more, again].join('\n');
}

function writePath(path: readonly PropertyKey[]): string {
  const text = path.map(key => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text === '' ? 'the top' : text.replace(/^\./, '');
}
