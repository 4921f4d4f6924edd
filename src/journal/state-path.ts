import { homedir } from 'node:os';
import { join } from 'node:path';

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
  const home = env.HOME || homedir();
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'postern');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'postern');
  return join(env.XDG_STATE_HOME || join(home, '.local', 'state'), 'postern');
}
