/** init, check, doctor and permissions for AWS and Google Cloud, over real HTTP and each vendor's own libraries. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { awsWorld, labKeyArn, labRoleArn } from '../../../src/lab/aws/world.ts';
import { labOrganizationId } from '../../../src/lab/default-world.ts';
import { gcpWorld, labLevel, labPerimeter } from '../../../src/lab/gcp/world.ts';
import { openSite, type Site } from '../../e2e/harness.ts';

interface Cloud {
  readonly kind: string;
  readonly args: readonly string[];
  readonly gate: object;
  /** Makes the world, and gives the keys by which its gates reach the lab. */
  build(site: Site): object;
}

const aws = (site: Site) => {
  awsWorld(site.lab, { withKeyAccess: true });
  const { kms, iam } = site.lab.urls;
  const { accessKeyId } = site.lab.credentials.aws;
  return { endpoints: { kms, iam }, credential: { accessKeyId, secretAccessKey: 'env:LAB_AWS_SECRET' } };
};

const clouds: readonly Cloud[] = [
  { kind: 'aws-role-policy', args: [], gate: { key: labKeyArn, role: labRoleArn }, build: aws },
  {
    kind: 'aws-key-policy',
    args: ['--aws-kind', 'aws-key-policy'],
    gate: { key: labKeyArn, role: labRoleArn },
    build: aws,
  },
  {
    kind: 'gcp-access-level',
    args: ['--gcp-level', labLevel, '--gcp-perimeter', labPerimeter],
    gate: { level: labLevel, perimeter: labPerimeter },
    build: site => {
      gcpWorld(site.lab, labOrganizationId);
      writeFileSync(join(site.folder, 'key.json'), site.lab.credentials.gcp.serviceAccountKey);
      return { endpoint: site.lab.urls.accessContextManager, credentialFile: 'key.json' };
    },
  },
];

test.each(clouds)('$kind', { timeout: 120_000 }, async ({ kind, args, gate, build }) => {
  const site = await openSite();
  site.lab.atlas.projects.clear();
  writeFileSync(join(site.folder, 'defaults.yaml'), JSON.stringify({ [kind]: build(site) }));
  const run = (...words: readonly string[]) =>
    site.runWith(
      {
        MONGODB_ATLAS_BASE_URL: site.lab.urls.atlas,
        MONGODB_ATLAS_CLIENT_ID: site.lab.credentials.atlas.serviceAccount.clientId,
        MONGODB_ATLAS_CLIENT_SECRET: site.lab.credentials.atlas.serviceAccount.clientSecret,
        LAB_AWS_SECRET: site.lab.credentials.aws.secretAccessKey,
      },
      ...words,
      '--config',
      'new.yaml',
      '--state',
      'new.db',
    );
  const init = await run('init', '--yes', '--defaults', 'defaults.yaml', ...args);
  expect(init.stderr).toMatch(/payments: /);
  expect(init.code).toBe(0);
  expect(parse(readFileSync(join(site.folder, 'new.yaml'), 'utf8')).gates).toMatchObject([
    { name: 'payments', kind, ...gate },
  ]);

  const doctor = await run('doctor', '--json');
  const { sections, counts } = JSON.parse(doctor.stdout);
  const areas = sections.map(({ area }: { area: string }) => area);
  expect(areas).toEqual(['setup', 'atlas', 'project', 'gate']);
  const findings = sections.flatMap(
    (section: { findings: { id: string; meaning: unknown }[] }) => section.findings,
  );
  const ids = findings.map(({ id }: { id: string }) => id);
  expect(ids).not.toContain('gate-unreadable');
  expect(ids).toContain('policy-observe');
  expect(findings.filter(({ meaning }: { meaning: unknown }) => meaning === null)).toEqual([]);
  expect(counts.error > 0).toBe(doctor.code === 2);

  const permissions = JSON.parse((await run('permissions', '--json')).stdout);
  expect(permissions.subjects.map((subject: { kind: unknown }) => subject.kind)).toEqual([null, kind]);
  const listed = await run('plan', '--format', 'terraform-json', '-q');
  expect(JSON.parse(listed.stdout).locals.payments_addresses.length).toBeGreaterThan(380);
});
