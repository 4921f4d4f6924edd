/** The built command as real processes, against a lab in this process. Knows no test runner: long runs use it too. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '../../src/clock.ts';
import type { LabProject } from '../../src/lab/atlas/model.ts';
import { defaultWorld, labVaultId } from '../../src/lab/default-world.ts';
import { type AzureBehaviour, type Lab, startLab } from '../../src/lab/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const entry = join(root, 'dist', 'postern.js');
const clockAhead = new URL('./children/clock-ahead.ts', import.meta.url).href;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

export interface Site {
  readonly lab: Lab;
  readonly project: LabProject;
  readonly vaultId: string;
  readonly folder: string;
  readonly journalPath: string;
  /** What the vault's list holds now. */
  rules(): readonly string[];
  /** Writes the config anew. */
  configure(gate: Readonly<Record<string, unknown>>, more?: Readonly<Record<string, unknown>>): void;
  /** Changes the config as it was last written. */
  editConfig(edit: (config: any) => void): void;
  /** For the processes that are started from then on. */
  setEnv(more: Readonly<Record<string, string>>): void;
  start(...args: readonly string[]): Started;
  run(...args: readonly string[]): Promise<Ended>;
  /** Like `run`, with more in the environment. */
  runWith(more: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Ended>;
  /** What each process finds in its environment. */
  readonly env: NodeJS.ProcessEnv;
  /** A command at a later time: of the process, and of the lab. */
  startLater(aheadMs: number, ...args: readonly string[]): Started;
  /** A command in a process whose clock is ahead of everybody's. */
  runAhead(aheadMs: number, ...args: readonly string[]): Promise<Ended>;
  /** A command at a later time, which can make no file longer than so many bytes: a full disk that needs no rights. */
  startLimited(bytes: number, aheadMs: number, ...args: readonly string[]): Started;
  close(): Promise<void>;
}

export interface SiteOptions {
  readonly azure?: Partial<AzureBehaviour>;
  /** Where processes are told that the lab is: a proxy before it. Default: the lab itself. */
  urlOf?(url: string): string;
}

/** `close` is the caller's to call; a test takes `openSite` of `harness.ts`. */
export async function makeSite(options: SiteOptions = {}): Promise<Site> {
  const { urlOf = url => url } = options;
  buildOnce();
  let laterMs = 0;
  const clock: Clock = { ...systemClock, now: () => Date.now() + laterMs };
  const lab = await startLab({
    clock,
    azure: { propagationMs: 0, ...options.azure },
    aws: { propagationMs: 0 },
  });
  const project = defaultWorld(lab);
  const folder = mkdtempSync(join(tmpdir(), 'postern-e2e-'));
  writeFileSync(join(folder, 'ca.pem'), lab.caCertificatePem);
  const env: Record<string, string | undefined> = {
    PATH: process.env.PATH,
    HOME: folder,
    LAB_ATLAS_SECRET: lab.credentials.atlas.serviceAccount.clientSecret,
    LAB_AZURE_SECRET: lab.credentials.azure.clientSecret,
    NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
  };
  const startFile = (file: string, args: readonly string[], more: NodeJS.ProcessEnv = {}, atMs = 0) => {
    laterMs = atMs;
    return startCommand(process.execPath, [file, ...args], more);
  };
  const startCommand = (command: string, args: readonly string[], more: NodeJS.ProcessEnv): Started => {
    const child = spawn(command, args, {
      cwd: folder,
      env: { ...env, ...more },
      stdio: [args.includes('export') ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout!.on('data', chunk => (stdout += chunk));
    child.stderr!.on('data', chunk => (stderr += chunk));
    const ended = new Promise<Ended>(resolve => {
      child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
    return { process: child, ended };
  };
  const site: Site = {
    lab,
    project,
    vaultId: labVaultId,
    folder,
    journalPath: join(folder, 'journal.db'),
    rules: () => lab.azure.get(labVaultId).properties.networkAcls!.ipRules.map(({ value }) => value),
    setEnv: more => void Object.assign(env, more),
    configure: (gate, more = {}) => {
      const { atlas, azure } = lab.credentials;
      const config = {
        state: 'journal.db',
        atlas: {
          baseUrl: urlOf(lab.urls.atlas),
          auth: {
            serviceAccount: { clientId: atlas.serviceAccount.clientId, clientSecret: 'env:LAB_ATLAS_SECRET' },
          },
        },
        gates: [
          {
            name: 'payments',
            kind: 'azure-key-vault',
            vault: labVaultId,
            endpoint: urlOf(lab.urls.azureResourceManager),
            // Microsoft's library takes a sign-in service only where it says that it is.
            authorityHost: lab.urls.azureAuthority,
            credential: {
              tenantId: azure.tenantId,
              clientId: azure.clientId,
              clientSecret: 'env:LAB_AZURE_SECRET',
            },
            projects: [project.id],
            policy: 'sync',
            ...gate,
          },
        ],
        ...more,
      };
      // JSON is YAML too.
      writeFileSync(join(folder, 'postern.yaml'), JSON.stringify(config));
    },
    editConfig: edit => {
      const path = join(folder, 'postern.yaml');
      const config = JSON.parse(readFileSync(path, 'utf8'));
      edit(config);
      writeFileSync(path, JSON.stringify(config));
    },
    env,
    start: (...args) => startFile(entry, args),
    run: (...args) => startFile(entry, args).ended,
    runWith: (more, ...args) => startFile(entry, args, more).ended,
    startLater: (aheadMs, ...args) => startFile(entry, args, aheadBy(aheadMs), aheadMs),
    runAhead: (aheadMs, ...args) => startFile(entry, args, aheadBy(aheadMs)).ended,
    startLimited: (bytes, aheadMs, ...args) => {
      // The unit of `ulimit -f` is 512 bytes, by POSIX.
      laterMs = aheadMs;
      const limit = `ulimit -f ${Math.floor(bytes / 512)} && exec "$0" "$@"`;
      return startCommand('sh', ['-c', limit, process.execPath, entry, ...args], aheadBy(aheadMs));
    },
    close: async () => {
      await lab.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  site.configure({});
  return site;
}

const aheadBy = (aheadMs: number) => ({
  NODE_OPTIONS: `--import=${clockAhead}`,
  POSTERN_TEST_AHEAD_MS: String(aheadMs),
});

let isBuilt = process.env.POSTERN_TEST_BUILT === '1';

/** `npm test` builds first; a single test file builds for itself. */
function buildOnce(): void {
  if (isBuilt && existsSync(entry)) return;
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'build.ts')], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the build failed: ${stderr}`);
  isBuilt = true;
}

/** Every byte of the journal's files, as text: to look for what must not be there. */
export function journalText(site: Site): string {
  return ['', '-wal', '-shm']
    .map(ending => site.journalPath + ending)
    .filter(path => existsSync(path))
    .map(path => readFileSync(path, 'latin1'))
    .join('\n');
}
