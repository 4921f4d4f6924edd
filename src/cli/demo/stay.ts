/** Leaves a lab running, with a config for it, until the operator ends it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../clock.ts';
import { startChannel } from '../../lab/channel.ts';
import { controlHandler } from '../../lab/control.ts';
import { startLab } from '../../lab/index.ts';
import type { CommandContext } from '../context.ts';
import { type DemoCloud, labEnvironment, openSite } from './sites.ts';
import { channelEnvironment, writeConfig } from './stage.ts';

/** Quick enough to watch, slow enough to see that a vault's change is not in force at once. */
const propagationMs = 3_000;

export async function stay({ output, signal }: CommandContext, clouds: readonly DemoCloud[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-lab-'));
  const world: { handle?: ReturnType<typeof controlHandler> } = {};
  const slow = { propagationMs };
  const lab = await startLab({
    clock: systemClock,
    azure: slow,
    aws: slow,
    gcp: slow,
    control: () => request => world.handle!(request),
  });
  const channel = await startChannel(systemClock, ({ text }) =>
    output.print(`The team is told:\n${text.replaceAll(/^/gm, '  ')}`),
  );
  const sites = clouds.map(cloud => openSite(cloud, lab, folder));
  world.handle = controlHandler({ lab, projectId: sites[0]!.project.id });
  writeConfig(lab, sites, folder, { policy: 'sync' });
  writeFileSync(join(folder, 'lab-ca.pem'), lab.caCertificatePem);
  const variables = {
    ...labEnvironment(lab),
    ...channelEnvironment(channel),
    NODE_EXTRA_CA_CERTS: join(folder, 'lab-ca.pem'),
    POSTERN_CONFIG: join(folder, 'postern.yaml'),
    LAB: `${lab.urls.atlas}/lab`,
  };
  writeFileSync(
    join(folder, 'lab.sh'),
    [
      ...Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`),
      `postern() { '${process.execPath}' '${process.argv[1]}' "$@"; }`,
      '',
    ].join('\n'),
  );
  output.print(`
The lab runs until you press Ctrl-C, and shows here what the daemon tells its team.
In another terminal:

  . ${join(folder, 'lab.sh')}
  postern check                        # is Atlas let in?
  postern plan                         # what would change, and why
  postern apply                        # do it
  postern watch                        # the daemon: leave it running, and change the world below
  curl -s $LAB/state                   # what Atlas itself sees
  curl -s -d '{"cidrs":["44.206.200.18/32"]}' $LAB/add       # Atlas uses a new address
  curl -s -d '{"cidrs":["3.12.113.165/32"]}' $LAB/remove     # Atlas drops one
  curl -s -d '' $LAB/poison            # Atlas answers nonsense, until: curl -s -d '' $LAB/heal
  curl -s -d '' $LAB/outage            # Atlas is down
  curl -s -d '{"cidr":"3.92.113.229/32"}' $LAB/meddle        # someone takes a rule out of the vault
  postern explain 3.92.113.229         # who needs it, since when, who lets it in
`);
  try {
    await untilAborted(signal);
  } finally {
    await Promise.all([lab.close(), channel.close()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
