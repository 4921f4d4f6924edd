/** Runs the built command line as a process of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const entry = join(root, 'dist', 'postern.js');

/** Builds `dist/`, unless the caller of the tests has (`npm test` does). */
export function ensureBuilt(): void {
  if (process.env.POSTERN_TEST_BUILT === '1') return;
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build.ts'], { cwd: root });
  if (status !== 0) throw new Error(`The build failed: ${stderr}`);
}

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Place {
  readonly folder: string;
  /** Writes a file into the folder, and gives its path. */
  file(name: string, text: string): string;
  /** Runs `postern` in the folder, with nothing in the environment but `env` and a home of its own. */
  run(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended>;
}

export function makePlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'postern-cli-'));
  return {
    folder,
    file(name, text) {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    },
    run: (args, env = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, [entry, ...args], {
          cwd: folder,
          env: { PATH: process.env.PATH, HOME: folder, ...env },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        const streams = { stdout: '', stderr: '' };
        for (const name of ['stdout', 'stderr'] as const) {
          child[name].setEncoding('utf8').on('data', (text: string) => {
            streams[name] += text;
          });
        }
        child.on('error', reject);
        child.on('close', exitCode => resolve({ exitCode, ...streams }));
      }),
  };
}
