import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Where the journal is unless `--state` or POSTERN_STATE says otherwise: the platform's place for state. A
 * service manager's own directory (systemd's `StateDirectory=`) comes first.
 */
export function defaultStatePath(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env.POSTERN_STATE) return env.POSTERN_STATE;
  return join(stateDirectory(env, platform), 'journal.db');
}

function stateDirectory(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  // systemd.exec(5): more than one directory is separated by colons.
  if (env.STATE_DIRECTORY) return env.STATE_DIRECTORY.split(':')[0]!;
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(homeOf(env), 'AppData', 'Local'), 'postern');
  if (platform === 'darwin') return join(homeOf(env), 'Library', 'Application Support', 'postern');
  // The XDG Base Directory Specification: a relative path is to be ignored.
  if (env.XDG_STATE_HOME && isAbsolute(env.XDG_STATE_HOME)) return join(env.XDG_STATE_HOME, 'postern');
  return join(homeOf(env), '.local', 'state', 'postern');
}

/** A container may run a user that has no home: it must not keep addresses from being added. */
function homeOf(env: NodeJS.ProcessEnv): string {
  try {
    return env.HOME || homedir();
  } catch {
    return '/var/lib/postern';
  }
}
