/** A bad network before Atlas, and before each cloud: what a run says, what it leaves, and that the next is right. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { awsWorld, labKeyArn, labRoleArn } from '../../src/lab/aws/world.ts';
import { foreignRules } from '../../src/lab/default-world.ts';
import { withKind } from '../e2e/cloud-sites.ts';
import { openSite } from '../e2e/harness.ts';
import { journalText, type Site } from '../e2e/site.ts';
import { integrityOf, unfinishedWritesOf } from './journal-file.ts';
import { type Meddling, startProxy, type TcpProxy } from './proxy.ts';

vi.setConfig({ testTimeout: 300_000 });

const meddlings: readonly Meddling[] = [
  { kind: 'delay', ms: 150 },
  { kind: 'cut-before' },
  { kind: 'cut-after', bytes: 1_500 },
  { kind: 'corrupt', after: 700 },
  { kind: 'corrupt', after: 0 },
  { kind: 'throttle', bytesPerSecond: 20_000 },
  { kind: 'silent' },
];
const isHarmless = ({ kind }: Meddling) => kind === 'delay' || kind === 'throttle';
/** Some each time; all of them, in front of everything, with POSTERN_PROXY=all. */
const chosen = process.env.POSTERN_PROXY === 'all' ? meddlings : [meddlings[2]!, meddlings[3]!];

async function openBehindProxies(serversOf: (site: Site['lab']['urls']) => readonly string[]) {
  const proxies = new Map<string, TcpProxy>();
  const site = await openSite({ urlOf: url => proxies.get(url)?.url ?? url });
  for (const url of new Set(serversOf(site.lab.urls))) {
    const proxy = await startProxy(url);
    proxies.set(url, proxy);
    onTestFinished(() => proxy.close());
  }
  // Quick failures: what counts is what is said, not how long a try may take.
  const atlas = (config: any) => (config.atlas.timeoutSeconds = 2);
  return {
    site,
    proxyOf: (url: string) => proxies.get(url)!,
    urlOf: (url: string) => proxies.get(url)?.url ?? url,
    atlas,
  };
}

function secretsOf({ lab }: Site): readonly string[] {
  const { atlas, azure, aws, gcp } = lab.credentials;
  const { client_secret, refresh_token } = JSON.parse(gcp.userCredentials);
  return [
    ...[atlas.serviceAccount.clientSecret, azure.clientSecret, aws.secretAccessKey],
    ...[client_secret, refresh_token, 'Bearer '],
  ];
}

/** One apply through a bad network, and one after it. */
async function applyThrough(
  site: Site,
  proxy: TcpProxy,
  meddling: Meddling,
  stillLetIn: () => void,
): Promise<void> {
  const hits = proxy.hits;
  proxy.meddling = meddling;
  const bad = await site.run('apply', '--yes');
  proxy.meddling = undefined;
  const said = bad.stdout + bad.stderr;
  expect(proxy.hits, 'the proxy was not in the way').toBeGreaterThan(hits);
  // In step, failed, or in step with what an incomplete answer allowed: never a crash.
  expect(isHarmless(meddling) ? [0] : [0, 1, 3], said).toContain(bad.code);
  expect(said).not.toMatch(/not foreseen|TypeError|RangeError|at .*\.js:\d+/);
  if (bad.code === 1) expect(said).toMatch(/to do:|error:/);
  for (const secret of secretsOf(site)) expect(said + journalText(site)).not.toContain(secret);
  expect(integrityOf(site.journalPath)).toBe('ok');
  stillLetIn();

  const good = await site.run('apply', '--yes');
  expect(good.code, good.stdout + good.stderr).toBe(0);
  expect(site.lab.atlas.lockedOut(site.project.id)).toEqual([]);
  expect(unfinishedWritesOf(site.journalPath)).toBe(0);
  stillLetIn();
}

test('before Atlas, and before Azure', async () => {
  const { site, proxyOf, atlas } = await openBehindProxies(({ atlas, azureResourceManager }) => [
    atlas,
    azureResourceManager,
  ]);
  site.configure({});
  site.editConfig(atlas);
  const first = await site.run('apply', '--yes');
  expect(first.code, first.stdout + first.stderr).toBe(0);
  let n = 0;
  for (const url of [site.lab.urls.atlas, site.lab.urls.azureResourceManager]) {
    for (const meddling of chosen) {
      site.lab.atlas.addControlPlane('aws', 'us-east-1', [`44.206.200.${n++}/32`]);
      const before = site.rules();
      await applyThrough(site, proxyOf(url), meddling, () => {
        // Nothing is taken out by a bad network: neither ours nor others'.
        expect(site.rules()).toEqual(expect.arrayContaining([...before, ...foreignRules]));
      });
    }
  }
});

test('before Amazon', async () => {
  const { site, proxyOf, urlOf, atlas } = await openBehindProxies(({ kms, iam }) => [kms, iam]);
  const { lab } = site;
  const project = awsWorld(lab);
  const { accessKeyId, secretAccessKey } = lab.credentials.aws;
  site.setEnv({ LAB_AWS_SECRET: secretAccessKey });
  site.configure({});
  site.editConfig(atlas);
  site.editConfig(config => {
    config.gates = [
      {
        name: 'payments',
        kind: 'aws-role-policy',
        key: labKeyArn,
        role: labRoleArn,
        endpoints: { kms: urlOf(lab.urls.kms), iam: urlOf(lab.urls.iam) },
        credential: { accessKeyId, secretAccessKey: 'env:LAB_AWS_SECRET' },
        projects: [project.id],
        policy: 'sync',
      },
    ];
  });
  const here = { ...site, project };
  const first = await site.run('apply', '--yes');
  expect(first.code, first.stdout + first.stderr).toBe(0);
  expect(lab.atlas.lockedOut(project.id)).toHaveLength(0);
  let n = 0;
  for (const url of [lab.urls.kms, lab.urls.iam]) {
    for (const meddling of chosen) {
      const before = new Set(lab.atlas.addressesInUse(project.id));
      lab.atlas.addControlPlane('aws', 'us-east-1', [`44.206.201.${n++}/32`]);
      await applyThrough(here, proxyOf(url), meddling, () => {
        expect(lab.atlas.lockedOut(project.id).filter(address => before.has(address))).toEqual([]);
      });
    }
  }
});

test('before Google, and before where it gives out tokens', async () => {
  const site = await openSite();
  const { lab } = site;
  const levels = await startProxy(lab.urls.accessContextManager);
  const tokens = await startProxy(lab.urls.googleToken);
  for (const proxy of [levels, tokens]) onTestFinished(() => proxy.close());
  const cloud = withKind(site, 'gcp-access-level');
  cloud.configureGate({ endpoint: levels.url });
  const credentialPath = join(site.folder, 'google.json');
  const credential = JSON.parse(readFileSync(credentialPath, 'utf8'));
  const { pathname } = new URL(credential.token_uri);
  const token_uri = new URL(pathname, tokens.url).href;
  writeFileSync(credentialPath, JSON.stringify({ ...credential, token_uri }));
  const first = await site.run('apply', '--yes');
  expect(first.code, first.stdout + first.stderr).toBe(0);
  let n = 0;
  for (const proxy of [levels, tokens]) {
    for (const meddling of chosen) {
      lab.atlas.addControlPlane('aws', 'us-east-1', [`44.206.202.${n++}/32`]);
      const before = cloud.entries();
      await applyThrough(cloud, proxy, meddling, () => {
        expect(cloud.entries()).toEqual(expect.arrayContaining([...before, ...cloud.foreign]));
      });
    }
  }
});
