import { readFileSync } from 'node:fs';

/**
 * What tells a process from a later one with the same pid: its start time in clock ticks since boot, from
 * `/proc/PID/stat` (proc(5), field 22). Empty where the system has no such file.
 */
export function processIdentity(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name, in parentheses, may hold spaces and parentheses itself.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** Whether the process that had this pid and identity runs still. */
export function isAlive(pid: number, identity: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const now = processIdentity(pid);
  return identity === '' || now === '' || now === identity;
}
