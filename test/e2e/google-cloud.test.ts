/** The built command on an access level: check, plan, apply, check; and what a user reads when it is refused. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { labOrganizationId } from '../../src/lab/default-world.ts';
import { foreignSubnetworks, gcpWorld, labLevel, labPerimeter } from '../../src/lab/gcp/world.ts';
import { journalText, openSite, type Site } from './harness.ts';

async function openGoogleSite(): Promise<
  Site & { configureGate(gate?: object): void; listed(): readonly string[] }
> {
  const site = await openSite();
  const { lab, folder } = site;
  const project = gcpWorld(lab, labOrganizationId);
  lab.gcp.behaviour = { ...lab.gcp.behaviour, operationMs: 300, propagationMs: 0 };
  writeFileSync(join(folder, 'key.json'), lab.credentials.gcp.serviceAccountKey);
  const configureGate = (gate: object = {}) =>
    site.configure(
      {},
      {
        gates: [
          {
            name: 'payments-level',
            kind: 'gcp-access-level',
            level: labLevel,
            perimeter: labPerimeter,
            endpoint: lab.urls.accessContextManager,
            credentialFile: 'key.json',
            projects: [project.id],
            policy: 'sync',
            ...gate,
          },
        ],
      },
    );
  configureGate();
  const listed = () =>
    lab.gcp.level(labLevel)!.basic!.conditions.flatMap(({ ipSubnetworks }) => ipSubnetworks!);
  return { ...site, project, configureGate, listed };
}

test('check, plan, apply, check', async () => {
  const site = await openGoogleSite();
  const { lab, project } = site;
  expect((await site.run('check')).code).toBe(2);
  expect((await site.run('plan')).code).toBe(2);
  expect(lab.requests.filter(({ service, method }) => service === 'gcp' && method !== 'GET')).toEqual([]);

  const applied = await site.run('apply', '--yes');
  expect([applied.code, applied.stderr]).toEqual([0, expect.not.stringMatching(/warn|deprecat/i)]);
  expect(site.listed()).toEqual(expect.arrayContaining(foreignSubnetworks));
  expect(lab.atlas.lockedOut(project.id)).toEqual([]);
  expect(lab.atlas.isKeyValid(project.id)).toBe(true);

  const checked = await site.run('check');
  expect([checked.code, checked.stdout]).toEqual([0, expect.stringMatching(/payments-level: every address/)]);
  const { private_key } = JSON.parse(lab.credentials.gcp.serviceAccountKey);
  for (const text of [applied.stdout, applied.stderr, checked.stdout, journalText(site)]) {
    expect(text).not.toContain(private_key.split('\n')[1]);
    expect(text).not.toMatch(/ya29\./);
  }
});

test('on observe nothing is written, and a level that nothing uses is said to be none', async () => {
  const site = await openGoogleSite();
  site.configureGate({ policy: 'observe', level: labLevel.replace('atlas_kms', 'fresh') });
  const { code, stdout, stderr } = await site.run('check');
  expect(code).toBe(3);
  expect(stdout + stderr).toMatch(/does not use the access level, so the list lets in nobody/);
  await site.run('apply', '--yes');
  const written = site.lab.requests.filter(({ service, method }) => service === 'gcp' && method !== 'GET');
  expect(written).toEqual([]);
});

test('a right that is lacking: which, on what', async () => {
  const site = await openGoogleSite();
  site.lab.gcp.rights.delete('accesscontextmanager.accessLevels.update');
  const { code, stdout, stderr } = await site.run('apply', '--yes');
  expect(code).toBe(1);
  expect(stdout + stderr).toMatch(/accesscontextmanager\.accessLevels\.update on the access policy/);
  expect(site.listed()).toEqual(foreignSubnetworks);
});
