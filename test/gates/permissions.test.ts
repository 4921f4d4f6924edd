/** The rights that Postern asks for: narrow, well-formed, and for the one thing that the gate names. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { atlasPermissions } from '../../src/atlas/permissions.ts';
import { renderScript, renderTerraform, type Subject } from '../../src/cli/permissions/render.ts';
import { toGate } from '../../src/config/index.ts';
import { speaksOf } from '../../src/gates/aws/evaluate-statement.ts';
import { parsePolicy } from '../../src/gates/aws/policy-document.ts';
import { or } from '../../src/gates/aws/truth.ts';
import { permissionsOf } from '../../src/gates/permissions.ts';
import { describeTerraform, fmtFaults } from '../export/terraform.ts';

const key = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const role = 'arn:aws:iam::444455556666:role/team/atlas';
const vault =
  "/subscriptions/ea42f556-5106-4743-99b0-c129bfa71a47/resourceGroups/o'hara/providers/Microsoft.KeyVault/vaults/cmk";
const common = { name: '1.prod-eu', projects: ['64f0c1a2b3d4e5f601234567'] };
const gates = [
  toGate({ ...common, kind: 'aws-role-policy', key, role }, '.'),
  toGate({ ...common, kind: 'aws-key-policy', key, role }, '.'),
  toGate({ ...common, kind: 'azure-key-vault', vault }, '.'),
  toGate({ ...common, kind: 'gcp-access-level', level: 'accessPolicies/12/accessLevels/atlas' }, '.'),
];
const subjects: readonly Subject[] = [
  { about: 'Atlas', grants: [atlasPermissions(['a'.repeat(24), 'b'.repeat(24)])] },
  ...gates.map(gate => ({ about: gate.kind, grants: permissionsOf(gate) })),
];

test.each(gates)('$kind: no action is a wildcard, and no written thing is', gate => {
  const text = JSON.stringify(permissionsOf(gate).map(({ document }) => document?.json));
  expect(text).not.toMatch(/"(kms|iam|Microsoft[\w./]*|accesscontextmanager[\w.]*)[:/.]?\*"/);
  for (const { document } of permissionsOf(gate)) {
    const { Statement = [] } = (document?.json ?? {}) as { Statement?: readonly any[] };
    for (const { Effect, Action, Resource } of Statement) {
      if (Effect === 'Allow' && /Put/.test(String(Action))) expect([key, role]).toContain(Resource);
    }
  }
});

test.each(gates.slice(0, 2))('$kind writes in the account that owns what it writes', gate => {
  const commands = permissionsOf(gate).flatMap(grant => grant.commands);
  const account = gate.kind === 'aws-role-policy' ? '444455556666' : '111122223333';
  expect(commands.filter(line => line.includes('arn:')).every(line => line.includes(account))).toBe(true);
});

/** Every call that a gate makes, and on what. */
const calls: readonly (readonly [string, string])[] = [
  ['kms:GetKeyPolicy', key],
  ['kms:DescribeKey', key],
  ['kms:ListGrants', key],
  ...['GetRole', 'GetRolePolicy', 'ListRolePolicies', 'ListAttachedRolePolicies'].map(
    name => [`iam:${name}`, role] as const,
  ),
  ...['GetPolicy', 'GetPolicyVersion'].flatMap(name => [
    [`iam:${name}`, 'arn:aws:iam::444455556666:policy/team/x'] as const,
    [`iam:${name}`, 'arn:aws:iam::aws:policy/ReadOnlyAccess'] as const,
  ]),
];
const fence = 'arn:aws:iam::444455556666:policy/PosternFence-atlas';

/** By our own judge of policies. @param boundary of the role that is written; null: it has none */
function lets(policy: object, action: string, resource: string, boundary: string | null): string {
  const call = {
    action,
    resource,
    role: { arn: 'arn:aws:iam::444455556666:role/postern', account: '444455556666', uniqueId: undefined },
    source: undefined,
    keys: new Map([
      ['iam:permissionsboundary', boundary],
      ['kms:bypasspolicylockoutsafetycheck', action === 'kms:PutKeyPolicy' ? 'false' : null],
    ]),
  };
  const { statements } = parsePolicy(JSON.stringify(policy));
  return or(statements, statement => speaksOf(statement, call));
}

test.each([
  [gates[0]!, 'iam:PutRolePolicy', role],
  [gates[1]!, 'kms:PutKeyPolicy', key],
] as const)('%s: what is printed lets in every call that the gate makes', (gate, write, on) => {
  const grants = permissionsOf(gate);
  const own = grants.find(({ title }) => title === "Postern's own rights")!.document!.json as object;
  for (const [action, resource] of calls)
    expect([action, lets(own, action, resource, fence)]).toEqual([action, 'yes']);
  expect(lets(own, write, on, fence)).toBe('yes');
  expect(lets(own, write, on.replace('atlas', 'other').replace('1234abcd', '00000000'), fence)).toBe('no');
  // iam:PermissionsBoundary is that of the role that is written (IAM guide, "IAM and AWS STS condition context keys").
  const isFenced = gate.kind === 'aws-role-policy';
  expect(lets(own, write, on, null)).toBe(isFenced ? 'no' : 'yes');
  expect(
    grants
      .flatMap(({ commands }) => commands)
      .join()
      .includes(`--permissions-boundary ${fence}`),
  ).toBe(isFenced);
});

test('the fence lets the role do with the key what Atlas does, and nothing else', () => {
  const [grant] = permissionsOf(gates[0]!);
  const policy = grant!.document!.json as object;
  for (const action of ['kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey']) {
    expect(lets(policy, action, key, null)).toBe('yes');
    expect(lets(policy, action, `${key}0`, null)).toBe('no');
  }
  expect(lets(policy, 'iam:PutRolePolicy', role, null)).toBe('no');
});

test('the script is one that a shell can read, odd names and all', () => {
  const { status, stderr } = spawnSync('bash', ['-n'], { input: renderScript(subjects), encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test("a quotation mark in a vault's group does not end its word", () => {
  const script = renderScript(subjects)
    .split('\n')
    .find(line => line.startsWith('az role assignment'))!;
  const { stdout } = spawnSync('bash', ['-c', `az() { printf '%s' "\${@: -1}"; }; ${script}`], {
    encoding: 'utf8',
  });
  expect(stdout).toBe(vault);
});

describeTerraform('as Terraform reads it', () => {
  test('it is well-formed and stays as it is formatted', () => {
    expect(fmtFaults(`${renderTerraform(subjects)}\n`)).toBe('');
  });
});
