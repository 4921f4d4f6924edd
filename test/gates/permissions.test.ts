/** The rights that Postern asks for: narrow, well-formed, and for the one thing that the gate names. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { atlasPermissions } from '../../src/atlas/permissions.ts';
import { renderScript, renderTerraform, type Subject } from '../../src/cli/permissions/render.ts';
import { toGate } from '../../src/config/index.ts';
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
