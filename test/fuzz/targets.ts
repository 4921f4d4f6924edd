/**
 * Every parser at the border, each with documents that it takes, and what must hold whatever it is given: only
 * its own class of error, and nothing taken for complete, empty or ours that is not.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { tryParseCidr } from '../../src/address/cidr.ts';
import { ConfigError, loadConfig } from '../../src/config/index.ts';
import { parseSecretReference } from '../../src/config/secret-reference.ts';
import { PolicyError } from '../../src/gates/aws/policy-document.ts';
import { unreadRolePolicies } from '../../src/gates/aws/surroundings.ts';
import { readKeyPolicyText, writeKeyPolicy } from '../../src/gates/aws-key-policy/document.ts';
import { stateOf as keyStateOf } from '../../src/gates/aws-key-policy/key-state.ts';
import { readOwnPolicy, writeOwnPolicy } from '../../src/gates/aws-role-policy/document.ts';
import { stateOf as roleStateOf } from '../../src/gates/aws-role-policy/role-state.ts';
import { vaultAnswer } from '../../src/gates/azure-key-vault/schema.ts';
import { stateOf as vaultStateOf } from '../../src/gates/azure-key-vault/vault-state.ts';
import type { GateState } from '../../src/gates/gate.ts';
import { readLevel } from '../../src/gates/gcp-access-level/level-state.ts';
import { readPerimeter } from '../../src/gates/gcp-access-level/perimeter.ts';
import {
  errorAnswer,
  levelAnswer,
  operationAnswer,
  perimeterAnswer,
} from '../../src/gates/gcp-access-level/schema.ts';
import { JournalError } from '../../src/journal/errors.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { parseDatabaseUrl } from '../../src/journal/postgres/address.ts';
import { drainSpool } from '../../src/journal/spool.ts';
import { labKeyArn, labKeyPolicy, labRoleArn } from '../../src/lab/aws/world.ts';
import { foreignRules, labVaultId } from '../../src/lab/default-world.ts';
import { PlanFileError, parsePlanFile } from '../../src/plan/render/plan-file.ts';
import { Secret } from '../../src/secret.ts';
import { anyPlans } from '../plan/render/arbitrary-plan.ts';
import { damagedJsonText, damagedText } from './mutate.ts';

export interface Target {
  readonly name: string;
  /** Made anew in each run, so that a target that is not run costs nothing. */
  inputs(): fc.Arbitrary<string>;
  /** Throws when something does not hold. */
  check(input: string): void | Promise<void>;
}

const identity = { roleArn: labRoleArn, sid: 'PosternAtlasAccess' };
const role = { arn: labRoleArn, account: '644160558196', uniqueId: 'AROALABONLYLABONLY01' };
const cidrs = ['3.92.113.229/32', '52.7.232.0/24'];
const ownKeyPolicy = JSON.parse(
  writeKeyPolicy(readKeyPolicyText(JSON.stringify(labKeyPolicy), identity), cidrs, identity),
);

const vault = {
  id: labVaultId,
  systemData: { lastModifiedAt: '2026-11-24T12:00:00Z', lastModifiedBy: 'someone@example.com' },
  properties: {
    networkAcls: {
      bypass: 'AzureServices',
      defaultAction: 'Deny',
      ipRules: foreignRules.map(value => ({ value })),
      virtualNetworkRules: [{ id: '/subscriptions/x/subnets/admins' }],
    },
    publicNetworkAccess: 'Enabled',
    provisioningState: 'Succeeded',
  },
};
const level = {
  name: 'accessPolicies/123/accessLevels/atlas',
  title: 'Atlas',
  basic: {
    combiningFunction: 'OR',
    conditions: [{ ipSubnetworks: cidrs }, { ipSubnetworks: ['3.93.0.1/32'] }],
  },
};
const perimeter = {
  name: 'accessPolicies/123/servicePerimeters/keys',
  perimeterType: 'PERIMETER_TYPE_REGULAR',
  status: {
    resources: ['projects/1'],
    restrictedServices: ['cloudkms.googleapis.com'],
    accessLevels: [level.name],
    ingressPolicies: [
      {
        ingressFrom: {
          identities: ['serviceAccount:a@b.iam.gserviceaccount.com'],
          sources: [{ accessLevel: level.name }],
        },
        ingressTo: { operations: [{ serviceName: 'cloudkms.googleapis.com' }], resources: ['*'] },
      },
    ],
  },
};
const spooled = {
  version: 1,
  gateId: 'azure-key-vault:/vault',
  gateName: 'payments',
  kind: 'add',
  before: ['3.92.113.229/32'],
  target: cidrs,
  after: cidrs,
  planChecksum: 'abc',
  by: 'someone',
  reason: 'added',
  atMs: 1,
  finishedAtMs: 2,
};
const secretText = 'hunter2-not-to-be-shown';
const configTexts = [
  readFileSync(new URL('../../docs/postern.example.yaml', import.meta.url), 'utf8'),
  'gates:\n  - { name: a, kind: azure-key-vault, vault: x, projects: [64f0c1a2b3d4e5f601234567], removal: { grace: 7d } }\n',
];
const files = (text: string) => ({ readText: () => text, modeOf: () => 0o600 });

export const targets: readonly Target[] = [
  {
    name: 'azure: a vault',
    inputs: () => damagedJsonText([vault]),
    check(input) {
      const parsed = vaultAnswer.safeParse(jsonOf(input));
      if (!parsed.success) return;
      const state = vaultStateOf(parsed.data);
      sane(state);
      const acls = parsed.data.properties.networkAcls;
      if (state.lets === 'listed') assert.equal(acls?.defaultAction, 'Deny');
      if (state.entries.length > 0) assert.ok(acls?.ipRules?.length);
    },
  },
  {
    name: 'google: an access level',
    inputs: () => damagedJsonText([level, { ...level, custom: { expr: { expression: 'true' } } }]),
    check(input) {
      const parsed = levelAnswer.safeParse(jsonOf(input));
      if (!parsed.success) return;
      const reading = readLevel(parsed.data);
      assert.ok(reading.exists);
      // What is not addresses alone is never written over, and a level without any lets in everyone: not nobody.
      if (reading.obstacle === undefined) {
        assert.equal(reading.lets, 'listed');
        assert.ok(reading.subnetworks.length > 0);
        assert.equal(parsed.data.custom ?? null, null);
      }
      saneEntries(reading.entries);
    },
  },
  {
    name: 'google: a perimeter, an operation, an error',
    inputs: () =>
      damagedJsonText([
        perimeter,
        { name: 'operations/accessPolicies/1/x', done: true, error: { code: 7, message: 'no' } },
        { error: { code: 403, message: 'no', status: 'PERMISSION_DENIED', details: [{ reason: 'X' }] } },
      ]),
    check(input) {
      const json = jsonOf(input);
      operationAnswer.safeParse(json);
      errorAnswer.safeParse(json);
      const parsed = perimeterAnswer.safeParse(json);
      if (!parsed.success) return;
      for (const exists of [true, false]) readPerimeter(parsed.data, level.name, exists);
    },
  },
  {
    name: 'aws: a key policy',
    inputs: () => damagedJsonText([ownKeyPolicy, labKeyPolicy]),
    check(input) {
      const policy = orError(PolicyError, () => readKeyPolicyText(input, identity));
      if (!policy) return;
      const state = keyStateOf({
        keyArn: labKeyArn,
        identity,
        policy,
        role,
        rolePolicies: unreadRolePolicies,
        findings: [],
      });
      sane(state);
      if (policy.own === undefined) assert.deepEqual(state.entries, []);
      // A write keeps every other statement as it was.
      const again = readKeyPolicyText(writeKeyPolicy(policy, cidrs, identity), identity);
      assert.deepEqual(
        again.others.map(({ raw }) => raw),
        policy.others.map(({ raw }) => raw),
      );
    },
  },
  {
    name: 'aws: an inline policy',
    inputs: () => damagedJsonText([JSON.parse(writeOwnPolicy(cidrs, labKeyArn))]),
    check(input) {
      const own = orError(PolicyError, () => readOwnPolicy(input, labKeyArn));
      if (!own) return;
      const others = { ...unreadRolePolicies, findings: [] };
      const state = roleStateOf({
        keyArn: labKeyArn,
        policyName: 'PosternAtlasAccess',
        role,
        own,
        others,
        keyPolicy: undefined,
        findings: [],
      });
      sane(state);
    },
  },
  {
    name: 'the config, and the references to secrets in it',
    inputs: () => damagedText(configTexts),
    check(input) {
      orError(ConfigError, () => loadConfig({ path: 'postern.yaml', env: {}, files: files(input) }));
      for (const line of input.split('\n')) parseSecretReference(line, '/etc');
    },
  },
  {
    name: 'a saved plan',
    inputs: () => {
      const plans = fc.sample(anyPlans, { numRuns: 6, seed: 7 });
      return damagedJsonText(plans.map(each => ({ postern: 'plan', version: 1, plans: each })));
    },
    check(input) {
      const plans = orError(PlanFileError, () => parsePlanFile(input));
      for (const { entries } of plans ?? []) saneEntries(entries.map(({ cidr }) => cidr));
    },
  },
  {
    name: 'the URL of a database',
    inputs: () =>
      damagedText([
        `postgresql://postern:${secretText}@db.example:5432/postern?options=-c%20x%3D1`,
        `postgres://u:${secretText}@[::1]/d`,
      ]),
    check(input) {
      try {
        const { location } = parseDatabaseUrl(new Secret(input, 'env:POSTERN_DATABASE_URL'));
        assert.ok(!location.includes('@'));
      } catch (error) {
        assert.ok(error instanceof JournalError, String(error));
        assert.ok(!error.message.includes(input) || input.trim().length < 8, error.message);
      }
    },
  },
  {
    name: 'the spool',
    inputs: () =>
      fc
        .array(damagedJsonText([spooled]), { maxLength: 4 })
        .map(lines => [JSON.stringify(spooled), ...lines].join('\n')),
    check: drainOnce,
  },
];

/** Each line is journalled or kept aside; nothing is lost, and only well-formed additions are journalled. */
async function drainOnce(input: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-fuzz-'));
  try {
    const path = join(folder, 'spool.jsonl');
    writeFileSync(path, input, { mode: 0o600 });
    let begun = 0;
    const journal = {
      writes: async () => [],
      beginWrite: async ({ kind, target }: { kind: string; target: readonly string[] }) => {
        assert.ok(kind === 'add' || kind === 'restore');
        saneEntries(target);
        return ++begun;
      },
      finishWrite: async () => {},
      adopt: async () => {},
    } as unknown as Journal;
    await drainSpool([path], journal);
    const unread = existsSync(`${path}.unread`) ? readFileSync(`${path}.unread`, 'utf8') : '';
    const kept = unread.split('\n').filter(Boolean).length;
    assert.equal(begun + kept, readLinesOf(input));
    assert.ok(begun >= 1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As they come back from the disk, where what is no UTF-16 has been replaced. */
const readLinesOf = (text: string) => Buffer.from(text).toString('utf8').split('\n').filter(Boolean).length;

function sane(state: GateState): void {
  saneEntries(state.entries);
  JSON.stringify(state.findings);
  for (const cidr of state.entries.slice(0, 3)) state.decide?.(cidr);
}

/** Canonical blocks, and no other. */
function saneEntries(entries: readonly string[]): void {
  for (const entry of entries) {
    const parsed = tryParseCidr(entry);
    assert.ok(parsed.ok && parsed.cidr === entry, `${entry} is no canonical block`);
  }
}

/** As the gates' clients do: no JSON is undefined, which no schema takes. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What `work` gives; undefined when it throws the error that it may throw. */
function orError<T>(own: new (...args: never[]) => Error, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof own) return undefined;
    throw error;
  }
}
