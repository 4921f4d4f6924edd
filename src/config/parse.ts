/** From the text of a config file to its checked shape, or to every fault in it. */
import { type Document, LineCounter, parseDocument } from 'yaml';
import { crossFaults } from './cross-faults.ts';
import type { ConfigIssue } from './errors.ts';
import { explainIssue } from './explain.ts';
import { type Path, type Place, pathText, placeAt, placeOf, placeOfKey, sourceOf } from './locate.ts';
import { type ConfigText, configSchema } from './schema.ts';

export type ParsedConfig =
  | { readonly ok: true; readonly text: ConfigText }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/** Pure. `file` is the name for messages. */
export function parseConfig(source: string, file: string): ParsedConfig {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, keepSourceTokens: true });
  const syntax = syntaxIssues(document, lines, file);
  if (syntax.length > 0) return { ok: false, issues: syntax };
  let value: unknown;
  try {
    // An empty file is a config in which everything is at its default.
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch {
    const message = 'an alias (*name) leads nowhere, or there are too many.';
    return { ok: false, issues: [{ file, line: 1, column: 1, path: '', message, remedy: 'Write it out.' }] };
  }
  const parsed = configSchema.safeParse(value);
  const issues = [
    ...(parsed.success ? [] : shapeIssues(parsed.error.issues, document, lines, value, file)),
    ...crossFaults(value).map(
      (fault): ConfigIssue => ({
        file,
        ...placeOf(document, lines, fault.path),
        path: pathText(fault.path),
        message: fault.message,
        remedy: fault.remedy,
      }),
    ),
  ];
  return parsed.success && issues.length === 0 ? { ok: true, text: parsed.data } : { ok: false, issues };
}

function syntaxIssues(document: Document.Parsed, lines: LineCounter, file: string): readonly ConfigIssue[] {
  // Warnings too: a tag that YAML does not know would change what a value means.
  return [...document.errors, ...document.warnings].map(error => ({
    file,
    ...placeAt(lines, error.pos[0]),
    path: '',
    message: `this is not valid YAML: ${syntaxMessage(error.code)}.`,
    remedy: 'Check the indentation, the quotes and the colons there.',
  }));
}

/** The library's own messages may quote the text, and that may be a secret. */
function syntaxMessage(code: string): string {
  return syntaxMessages[code] ?? code.toLowerCase().replaceAll('_', ' ');
}

const syntaxMessages: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'the same key stands twice in one map',
  TAB_AS_INDENT: 'tabs are used for indentation; use spaces',
  BAD_INDENT: 'the indentation does not fit',
  MISSING_CHAR: 'a character is missing, such as a closing quote, bracket, or colon',
  MULTIPLE_DOCS: 'there is more than one document in the file',
  BLOCK_AS_IMPLICIT_KEY: 'a map begins where a value is expected',
  MULTILINE_IMPLICIT_KEY: 'a key goes over more than one line; a colon may be missing',
  TAG_RESOLVE_FAILED: 'a tag that Postern does not know',
  UNEXPECTED_TOKEN: 'something unexpected stands there',
};

function shapeIssues(
  zodIssues: readonly Parameters<typeof explainIssue>[0][],
  document: Document.Parsed,
  lines: LineCounter,
  value: unknown,
  file: string,
): readonly ConfigIssue[] {
  return zodIssues.flatMap(issue => {
    const path = issue.path as Path;
    const came = { value: valueAt(value, path), source: sourceOf(document, path) };
    return explainIssue(issue, came, configSchema, value).map(({ message, remedy, key }): ConfigIssue => {
      const place: Place =
        key === undefined ? placeOf(document, lines, path) : placeOfKey(document, lines, path, key);
      return { file, ...place, path: pathText(path), message, remedy };
    });
  });
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (current, step) => (current as Record<string | number, unknown> | null | undefined)?.[step],
    value,
  );
}
