/**
 * Postern on AWS from nothing, as an engineer follows docs/aws.md: real processes, Amazon's own SDK, the lab over HTTP.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { foreignPolicyName, labKeyArn, labKeyPolicy, labRoleArn } from '../../src/lab/aws/world.ts';
import { writesOf } from '../faults/journal-file.ts';
import { type CloudSite, withKind } from './cloud-sites.ts';
import { makeSite } from './site.ts';

const newAddress = '13.48.7.7/32';

/** A project on AWS of which Postern knows nothing but how to sign in. */
async function atAws(
  kind: 'aws-role-policy' | 'aws-key-policy',
  story: (
    site: CloudSite,
    postern: (...words: string[]) => Promise<readonly [number | null, string]>,
  ) => Promise<void>,
): Promise<void> {
  const made = await makeSite();
  try {
    made.lab.atlas.projects.clear();
    const site = withKind(made, kind);
    const { kms, iam, atlas } = site.lab.urls;
    const { clientId, clientSecret } = site.lab.credentials.atlas.serviceAccount;
    const { accessKeyId } = site.lab.credentials.aws;
    const credential = { accessKeyId, secretAccessKey: 'env:LAB_AWS_SECRET' };
    const defaults = { [kind]: { endpoints: { kms, iam }, credential } };
    writeFileSync(join(site.folder, 'defaults.yaml'), JSON.stringify(defaults));
    site.setEnv({
      MONGODB_ATLAS_BASE_URL: atlas,
      MONGODB_ATLAS_CLIENT_ID: clientId,
      MONGODB_ATLAS_CLIENT_SECRET: clientSecret,
    });
    const journal = join(site.folder, 'journal.db');
    await story(site, async (...words) => {
      const { code, stdout, stderr } = await site.run(...words, '--config', 'new.yaml', '--state', journal);
      return [code, stdout + stderr];
    });
  } finally {
    await made.close();
  }
}

test.concurrent(
  'aws-role-policy: init, check, plan, apply, a change, apply, undo',
  { timeout: 120_000 },
  () =>
    atAws('aws-role-policy', async (site, postern) => {
      const { lab, project } = site;
      const others = site.others();
      expect(await postern('init', '--yes', '--defaults', 'defaults.yaml')).toMatchObject([0, /payments/]);
      expect(await postern('check')).toEqual([
        2,
        expect.stringContaining('386 of 386 addresses that Atlas uses are NOT let in'),
      ]);
      expect(await postern('plan')).toEqual([2, expect.stringContaining('386')]);
      expect(await postern('apply', '--yes')).toEqual([4, expect.stringContaining('observe')]);
      expect(site.entries()).toEqual([]);

      expect(await postern('apply', '--yes', '--policy', 'add-only')).toEqual([
        0,
        expect.stringContaining('386 added'),
      ]);
      expect(lab.atlas.isKeyValid(project.id)).toBe(true);
      expect(await postern('check')).toEqual([0, expect.stringContaining('payments')]);

      lab.atlas.addControlPlane('aws', 'us-east-1', [newAddress]);
      expect(lab.atlas.isKeyValid(project.id)).toBe(false);
      expect(await postern('apply', '--yes', '--policy', 'sync')).toEqual([
        0,
        expect.stringContaining('1 added'),
      ]);
      expect(lab.atlas.lockedOut(project.id)).toEqual([]);

      expect(await postern('undo', '--yes')).toEqual([4, expect.stringContaining('observe')]);
      site.configureGate();
      const undone = await site.run('undo', '--yes');
      expect([undone.code, undone.stdout]).toEqual([4, expect.stringContaining('could lock Atlas out')]);
      expect(lab.atlas.isKeyValid(project.id)).toBe(true);
      expect([...lab.aws.iam.role(labRoleArn).inline.newest.keys()]).toContain(foreignPolicyName);
      expect(site.others()).toEqual(others);
    }),
);

test.concurrent(
  'aws-key-policy: the first write, its undo, and one that Atlas does not confirm',
  { timeout: 120_000 },
  () =>
    atAws('aws-key-policy', async (site, postern) => {
      const { lab, project, journalPath } = site;
      const policy = () => JSON.parse(lab.aws.kms.policyText(labKeyArn));
      const sync = ['--yes', '--policy', 'sync'];
      await postern('init', '--yes', '--defaults', 'defaults.yaml', '--aws-kind', 'aws-key-policy');
      expect(await postern('check')).toEqual([0, expect.stringContaining('lets in everyone')]);
      expect(await postern('plan')).toEqual([
        2,
        expect.stringContaining('no statement PosternAtlasAccess yet'),
      ]);

      // Atlas calls from an address that it does not list, as it did before it knew of its own list.
      const hides = lab.faults.add({
        on: 'atlas',
        path: 'controlPlane',
        act: { kind: 'edit', edit: withoutLast },
      });
      const shutOut = await postern('apply', ...sync);
      expect(shutOut).toEqual([
        1,
        expect.stringMatching(/put in force and taken out of force at once.*not valid/s),
      ]);
      expect(policy()).toEqual(labKeyPolicy);
      expect(lab.atlas.isKeyValid(project.id)).toBe(true);
      hides();
      expect(await postern('apply', ...sync)).toEqual([4, expect.stringContaining('--accept-first-write')]);

      expect(await postern('apply', ...sync, '--accept-first-write')).toEqual([
        0,
        expect.stringContaining('Atlas confirms that its key works'),
      ]);
      expect(await postern('check')).toEqual([0, expect.stringContaining('every address')]);
      lab.atlas.addControlPlane('aws', 'us-east-1', [newAddress]);
      expect(await postern('apply', ...sync)).toEqual([0, expect.stringContaining('1 added')]);
      expect(site.entries()).toContain(newAddress);

      site.configureGate();
      const undone = await site.run('undo', '--write', '3', '--yes');
      expect([undone.code, undone.stdout]).toEqual([0, expect.stringContaining('its list is out of force')]);
      expect(policy()).toEqual(labKeyPolicy);
      expect((await site.run('apply', '--yes')).code).toBe(4);
      expect(writesOf(journalPath)).toEqual([
        ['enforce', 'reverted'],
        ['withdraw', 'applied'],
        ['enforce', 'applied'],
        ['add', 'applied'],
        ['withdraw', 'applied'],
      ]);
    }),
);

function withoutLast(body: any): unknown {
  const { aws } = body.outbound;
  return {
    ...body,
    outbound: { ...body.outbound, aws: { ...aws, 'us-east-1': aws['us-east-1'].slice(0, -1) } },
  };
}
