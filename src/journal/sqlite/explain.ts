/** What SQLite's and the file system's errors mean for the journal, and what to do about each. */
import { JournalError } from '../errors.ts';

interface Fault {
  /** Result codes: https://sqlite.org/rescode.html */
  readonly sqlite: readonly number[];
  readonly system: readonly string[];
  readonly remedy: string;
}

const faults: readonly Fault[] = [
  {
    sqlite: [11, 26],
    system: [],
    remedy:
      'Name another journal with --state, or restore this one from a backup; Postern does not touch it.',
  },
  {
    sqlite: [3, 8, 14, 23],
    system: ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ENOENT', 'ELOOP', 'ENAMETOOLONG'],
    remedy: 'Give Postern a directory that it may write, with --state or POSTERN_STATE.',
  },
  { sqlite: [13], system: ['ENOSPC', 'EDQUOT', 'EFBIG'], remedy: 'Make room on the disk, then run again.' },
  {
    sqlite: [5, 6],
    system: [],
    remedy: 'Another process holds the journal for very long; see whether it hangs, and end it.',
  },
  {
    sqlite: [10],
    system: ['EIO'],
    remedy:
      'The disk does not carry out what it is told; see whether it is full or failing (the system log tells).',
  },
];

/** @param what such as `cannot be opened` */
export function explainSqlite(path: string, what: string, error: unknown): JournalError {
  if (error instanceof JournalError) return error;
  const { code, message } = error as { code?: string; message?: string };
  const primary = primaryCode(error);
  const fault = isUnreadable(error)
    ? faults[0]
    : faults.find(({ sqlite, system }) => sqlite.includes(primary ?? -1) || system.includes(code ?? ''));
  return new JournalError(
    `The journal ${path} ${what}: ${message ?? String(error)}`,
    fault?.remedy ?? 'This was not foreseen: report it, with what `because` says.',
    error,
  );
}

/** Another connection has a lock that this one needs. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === 5;
}

/** The low byte is the primary code; the rest refines it. */
function primaryCode(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: number };
  return errcode === undefined ? undefined : errcode & 0xff;
}

/** A list in it that is no JSON: someone else wrote to the file, or the disk did. */
function isUnreadable(error: unknown): boolean {
  return error instanceof SyntaxError;
}
