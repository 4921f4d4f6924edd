/** One thing that is wrong in a config file, or that should be known about it. */
export interface ConfigIssue {
  readonly file: string;
  /** From 1; 0 where the file as a whole is meant. */
  readonly line: number;
  readonly column: number;
  /** Such as `gates[0].policy`; empty for the whole file. */
  readonly path: string;
  /** What was expected and what came. Never the text of a secret. */
  readonly message: string;
  readonly remedy: string | undefined;
}

/** The config cannot be used: every fault in it, each with its place. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly issues: readonly ConfigIssue[];
  readonly remedy: string | undefined;

  constructor(
    message: string,
    options: { issues?: readonly ConfigIssue[]; remedy?: string; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.issues = options.issues ?? [];
    this.remedy = options.remedy;
  }
}

/** All faults of one file as one error, in the order of the file. */
export function configErrorOf(file: string, issues: readonly ConfigIssue[]): ConfigError {
  const sorted = issues.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const count = sorted.length === 1 ? '1 error' : `${sorted.length} errors`;
  return new ConfigError([`${file} has ${count}:`, ...sorted.map(issueText)].join('\n'), {
    issues: sorted,
    remedy: 'Mend the file; docs/postern.example.yaml shows every key.',
  });
}

function issueText({ file, line, column, path, message, remedy }: ConfigIssue): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  const text = `  ${place}  ${path === '' ? '' : `${path}: `}${message}`;
  return remedy === undefined ? text : `${text} ${remedy}`;
}
