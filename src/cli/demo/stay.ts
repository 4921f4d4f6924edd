/** Leaves a lab running, with a config for it, until the operator ends it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../clock.ts';
import { controlHandler } from '../../lab/control.ts';
import { defaultWorld, labVaultId } from '../../lab/default-world.ts';
import { startLab } from '../../lab/index.ts';
import type { CommandContext } from '../context.ts';

/** Quick enough to watch, slow enough to see that a vault's change is not in force at once. */
const propagationMs = 3_000;

export async function stay({ output, signal }: CommandContext): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-lab-'));
  const world: { handle?: ReturnType<typeof controlHandler> } = {};
  const lab = await startLab({
    clock: systemClock,
    azure: { propagationMs },
    control: () => request => world.handle!(request),
  });
  const project = defaultWorld(lab);
  world.handle = controlHandler({ lab, projectId: project.id });
  const { atlas, azure } = lab.credentials;

  writeFileSync(join(folder, 'lab-ca.pem'), lab.caCertificatePem);
  writeFileSync(
    join(folder, 'lab.sh'),
    [
      `export LAB_ATLAS_SECRET='${atlas.serviceAccount.clientSecret}'`,
      `export LAB_AZURE_SECRET='${azure.clientSecret}'`,
      `export NODE_EXTRA_CA_CERTS='${join(folder, 'lab-ca.pem')}'`,
      `export POSTERN_CONFIG='${join(folder, 'postern.yaml')}'`,
      `export LAB='${lab.urls.atlas}/lab'`,
      `postern() { '${process.execPath}' '${process.argv[1]}' "$@"; }`,
      '',
    ].join('\n'),
  );
  writeFileSync(
    join(folder, 'postern.yaml'),
    `# The lab's world. Its secrets open nothing else.
state: journal.db
atlas:
  baseUrl: ${lab.urls.atlas}
  auth:
    serviceAccount:
      clientId: ${atlas.serviceAccount.clientId}
      clientSecret: env:LAB_ATLAS_SECRET
gates:
  - name: payments
    kind: azure-key-vault
    vault: ${labVaultId}
    endpoint: ${lab.urls.azureResourceManager}
    authorityHost: ${lab.urls.azureAuthority}
    credential:
      tenantId: ${azure.tenantId}
      clientId: ${azure.clientId}
      clientSecret: env:LAB_AZURE_SECRET
    projects: ['${project.id}']
    policy: sync
`,
  );
  output.print(`
The lab runs until you press Ctrl-C. In another terminal:

  . ${join(folder, 'lab.sh')}
  postern check                        # is Atlas let in?
  postern plan                         # what would change, and why
  postern apply                        # do it
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
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
