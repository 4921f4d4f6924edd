/**
 * The spool's files. One place for them is the system's temporary directory, which is everyone's: what is not
 * a plain file of this user alone is neither read nor written, or another user could have Postern take
 * entries into its care, and so in the end remove them.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeDirectory } from './make-directory.ts';
import { livenessOf, processIdentity } from './process-identity.ts';

const { O_RDONLY, O_WRONLY, O_APPEND, O_CREAT } = constants;
/** Not through a symbolic link, and not waiting for the other end of a pipe. Windows has neither flag. */
const guarded = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** A spool file that this process is journalling. */
export interface TakenFile {
  /** The spool it was taken from. */
  readonly path: string;
  readonly takenPath: string;
  letGo(): void;
}

/** What this process is journalling now, so that a second caller does not journal it as well. */
const takenHere = new Set<string>();

/** Appends, makes the file (mode 0600) and its directory where needed; on disk when it returns. */
export function appendDurably(path: string, text: string): void {
  makeDirectory(dirname(path));
  const isNew = !existsSync(path);
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | guarded, 0o600);
  try {
    refuseOthers(file, path);
    const bytes = Buffer.from(text);
    // A disk that is nearly full takes a part first, and fails then.
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  if (isNew) syncDirectory(dirname(path));
}

/**
 * Takes the spool, and what an interrupted run had taken, by renaming: another process that spools meanwhile
 * starts a new file, and of two that take at once one gets it.
 */
export function takeFiles(path: string, onFault: (message: string) => void): readonly TakenFile[] {
  const taken: TakenFile[] = [];
  const newName = `${path}.taken-${process.pid}-${processIdentity(process.pid).replace(/.*\//, '')}`;
  for (const from of [...leftovers(path), ...(existsSync(path) ? [path] : [])]) {
    let takenPath = newName;
    for (let n = 1; existsSync(takenPath); n++) takenPath = `${newName}.${n}`;
    try {
      closeSync(openTrusted(from));
      renameSync(from, takenPath);
    } catch (error) {
      // Gone: another process was faster.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        onFault(`The spool ${from} cannot be journalled: ${error instanceof Error ? error.message : error}`);
      }
      continue;
    }
    takenHere.add(takenPath);
    taken.push({ path, takenPath, letGo: () => takenHere.delete(takenPath) });
  }
  return taken;
}

export function readTaken({ takenPath }: TakenFile): string {
  const file = openTrusted(takenPath);
  try {
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

export function removeTaken({ takenPath }: TakenFile): void {
  rmSync(takenPath, { force: true });
}

/** Files that a process had taken and did not finish, because it ended or its journal failed. */
function leftovers(path: string): readonly string[] {
  const prefix = `${basename(path)}.taken-`;
  let names: readonly string[];
  try {
    names = readdirSync(dirname(path));
  } catch {
    return [];
  }
  return names
    .filter(name => name.startsWith(prefix))
    .map(name => join(dirname(path), name))
    .filter(file => !takenHere.has(file) && !isAtWork(basename(file).slice(prefix.length)))
    .sort();
}

/** @param owner `PID-STARTTICKS`, then a number where there is more than one */
function isAtWork(owner: string): boolean {
  const [pid, startTicks = ''] = owner.replace(/\.\d+$/, '').split('-');
  if (Number(pid) === process.pid) return false;
  const isSame = processIdentity(Number(pid)).replace(/.*\//, '') === startTicks;
  return isSame && livenessOf(Number(pid), processIdentity(Number(pid))) !== 'gone';
}

function openTrusted(path: string): number {
  const file = openSync(path, O_RDONLY | guarded);
  try {
    refuseOthers(file, path);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function refuseOthers(file: number, path: string): void {
  const { uid, mode, nlink } = fstatSync(file);
  const isPlain = (mode & constants.S_IFMT) === constants.S_IFREG && nlink === 1;
  // Windows has no such owner, and a temporary directory for each user.
  const isOurs = process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
  if (isPlain && isOurs) return;
  throw new Error(
    `${path} is not a plain file that this user alone can write, so it is not trusted; remove it.`,
  );
}

/** A new file's name is on disk only once its directory is. Not every system can do that. */
function syncDirectory(path: string): void {
  try {
    const directory = openSync(path, O_RDONLY);
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  } catch {}
}
