import { readFileSync } from 'node:fs';

/**
 * What tells a process from a later one with the same pid: the boot it belongs to, and its start time in clock
 * ticks since that boot (proc(5), `/proc/PID/stat`, field 22). Empty where the system has no such files.
 */
export function processIdentity(pid: number): string {
  if (pid !== process.pid) return identityOf(pid);
  ownIdentity ??= identityOf(pid);
  return ownIdentity;
}

/** Asked for with every lock, and never another. */
let ownIdentity: string | undefined;

function identityOf(pid: number): string {
  const startTicks = statOf(pid)?.startTicks;
  return startTicks === undefined ? '' : `${bootId()}/${startTicks}`;
}

/** `unknown`: some process has this pid, and whether it is the same one cannot be told. */
export type Liveness = 'alive' | 'gone' | 'unknown';

/** Whether the process that had this pid and identity runs still. */
export function livenessOf(pid: number, identity: string): Liveness {
  // Zero and negative pids name whole groups of processes.
  if (!Number.isSafeInteger(pid) || pid <= 0) return 'unknown';
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and another user's.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return 'gone';
  }
  // A container whose first process does not reap its children keeps killed ones as zombies for ever.
  if (/^[ZXx]$/.test(statOf(pid)?.state ?? '')) return 'gone';
  const now = processIdentity(pid);
  if (identity === '' || now === '') return 'unknown';
  return now === identity ? 'alive' : 'gone';
}

function statOf(pid: number): { readonly state: string; readonly startTicks: string } | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The command name, in parentheses, may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  return state && startTicks ? { state, startTicks } : undefined;
}

function bootId(): string {
  return read('/proc/sys/kernel/random/boot_id').trim();
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
