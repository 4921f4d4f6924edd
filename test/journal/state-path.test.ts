import { expect, test } from 'vitest';
import { defaultStatePath } from '../../src/journal/state-path.ts';

test.each<[string, NodeJS.ProcessEnv, NodeJS.Platform, string]>([
  ['POSTERN_STATE first', { POSTERN_STATE: '/x/j.db', STATE_DIRECTORY: '/s' }, 'linux', '/x/j.db'],
  ['the service manager’s', { STATE_DIRECTORY: '/s/a:/s/b', HOME: '/h' }, 'linux', '/s/a/journal.db'],
  ['XDG', { XDG_STATE_HOME: '/xdg', HOME: '/h' }, 'linux', '/xdg/postern/journal.db'],
  [
    'a relative XDG is ignored',
    { XDG_STATE_HOME: 'x', HOME: '/h' },
    'linux',
    '/h/.local/state/postern/journal.db',
  ],
  ['an empty XDG is none', { XDG_STATE_HOME: '', HOME: '/h' }, 'linux', '/h/.local/state/postern/journal.db'],
  ['macOS', { HOME: '/h' }, 'darwin', '/h/Library/Application Support/postern/journal.db'],
  ['Windows', { LOCALAPPDATA: '/l' }, 'win32', '/l/postern/journal.db'],
])('%s', (_, env, platform, path) => {
  expect(defaultStatePath(env, platform)).toBe(path);
});
