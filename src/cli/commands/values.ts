/** Reads the values of options. Each throws an InvalidArgumentError, which names the option. */
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../config/duration.ts';
import { nearest } from '../../config/nearest.ts';

export function repeated(text: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), text];
}

export function oneOf(values: readonly string[]): (text: string) => string {
  return text => {
    if (values.includes(text)) return text;
    const suggestion = nearest(text, values);
    throw new InvalidArgumentError(
      `Expected ${values.join(', ')}.${suggestion === undefined ? '' : ` Did you mean ${suggestion}?`}`,
    );
  };
}

/** Like `oneOf`, for an option that may be repeated. */
export function someOf(
  values: readonly string[],
): (text: string, previous: readonly string[] | undefined) => readonly string[] {
  const one = oneOf(values);
  return (text, previous) => repeated(one(text), previous);
}

export function countOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number.');
}

/** Milliseconds. */
export function durationOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('Expected a duration such as 90m, 12h or 7d.');
  return ms;
}

/** Of an organization. Goes into a URL's path, and so is held to its form. */
export function idOf(text: string): string {
  if (/^[0-9a-f]{24}$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError('Expected an id, 24 hexadecimal digits.');
}

/** Goes into a URL's path, and so is held to its form. */
export function projectOf(text: string, previous: readonly string[] | undefined): readonly string[] {
  if (!/^[0-9a-f]{24}$/i.test(text)) {
    throw new InvalidArgumentError('Expected a project id, 24 hexadecimal digits.');
  }
  return repeated(text.toLowerCase(), previous);
}
