import fc from 'fast-check';
import { expect, test } from 'vitest';
import { configFileOf, type InitGate } from '../../../src/cli/init/config-file.ts';
import { type Found, proposeGates } from '../../../src/cli/init/propose.ts';
import { parseConfig } from '../../../src/config/parse.ts';

const vault = (name: string) =>
  `/subscriptions/ea42f556-5106-4743-99b0-c129bfa71a47/resourceGroups/Group 1/providers/Microsoft.KeyVault/vaults/${name}`.replace(
    ' ',
    '-',
  );
const key = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const role = 'arn:aws:iam::111122223333:role/atlas';
const id = (n: number) => n.toString(16).padStart(24, '0');
const azure = (name: string) => ({
  azureKeyVault: {
    enabled: true,
    azureEnvironment: 'AZURE',
    subscriptionID: 'ea42f556-5106-4743-99b0-c129bfa71a47',
    resourceGroupName: 'g',
    keyVaultName: name,
  },
});
const found = (n: number, name: string, encryption: Found['encryption'], awsRole?: string): Found => ({
  id: id(n),
  name,
  encryption,
  awsRole,
});

const gates: readonly Omit<InitGate, 'name' | 'projects' | 'adopt'>[] = [
  { kind: 'azure-key-vault', keys: { vault: vault('cmk'), cloud: 'AzureChinaCloud' } },
  { kind: 'aws-role-policy', keys: { key, role } },
  { kind: 'aws-key-policy', keys: { key, role } },
  {
    kind: 'gcp-access-level',
    keys: {
      level: 'accessPolicies/1/accessLevels/atlas',
      perimeter: 'accessPolicies/1/servicePerimeters/kms',
    },
  },
];

test('what is written is read again as it was meant, whatever a project is called', () => {
  fc.assert(
    fc.property(
      fc.subarray([...gates], { minLength: 1 }),
      fc.array(fc.string({ unit: 'binary', maxLength: 120 }), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.option(fc.constantFrom('env:ATLAS', 'file:/run/secrets/a b: #c'), { nil: undefined }),
      (chosen, names, adopt, clientSecret) => {
        const projects = names.map((name, index) => ({ id: id(index), name }));
        const text = configFileOf({
          baseUrl: undefined,
          serviceAccount: clientSecret === undefined ? undefined : { clientId: 'mdb_sa_id_1', clientSecret },
          gates: chosen.map((gate, index) => ({ ...gate, name: `gate-${index}`, projects, adopt })),
        });
        const parsed = parseConfig(text, 'postern.yaml');
        if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
        expect(parsed.text.gates).toEqual(
          chosen.map(({ kind, keys }, index) => ({
            name: `gate-${index}`,
            kind,
            ...keys,
            projects: projects.map(project => project.id),
            policy: 'observe',
            ...(adopt && { adopt }),
          })),
        );
        if (clientSecret !== undefined)
          expect(parsed.text.atlas?.auth?.serviceAccount?.clientSecret).toBe(clientSecret);
      },
    ),
  );
});

test('several projects on one vault become one gate, whatever the case of its id', () => {
  const { gates: proposed } = proposeGates([
    found(1, 'a', azure('cmk')),
    found(2, 'b', azure('CMK')),
    found(3, 'c', azure('other')),
  ]);
  expect(proposed.map(({ name, projects }) => [name, projects.map(project => project.name)])).toEqual([
    ['cmk', ['a', 'b']],
    ['c', ['c']],
  ]);
});

test('a project with keys in two clouds gets two gates, with names of their own', () => {
  const both = { ...azure('cmk'), awsKms: { enabled: true, customerMasterKeyID: key } };
  const { gates: proposed } = proposeGates([found(1, 'pay ments!', both, role)]);
  expect(proposed.map(({ name }) => name)).toEqual(['pay-ments', 'pay-ments-2']);
});

test.each([
  ['private endpoints', { azureKeyVault: { ...azure('cmk').azureKeyVault, requirePrivateNetworking: true } }],
  ['a key without an ARN', { awsKms: { enabled: true, customerMasterKeyID: '1234abcd' } }],
  ['a vault that is not named', { azureKeyVault: { enabled: true } }],
  ['a Google key that is not named', { googleCloudKms: { enabled: true } }],
])('%s: no gate, and a note that says why', (_, encryption) => {
  const { gates: proposed, notes } = proposeGates([found(1, 'payments', encryption)]);
  expect(proposed).toEqual([]);
  expect(notes).toHaveLength(1);
  expect(notes[0]).toContain('payments');
});

test('private networking is no reason for Google Cloud, where Atlas has none', () => {
  const encryption = {
    googleCloudKms: { enabled: true, requirePrivateNetworking: true, keyVersionResourceID: 'projects/p/x' },
  };
  expect(proposeGates([found(1, 'a', encryption)]).gates).toHaveLength(1);
});

test('names that Atlas allows and a gate does not are made to fit, and stay apart', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary', maxLength: 80 }), { minLength: 1, maxLength: 8 }),
      names => {
        const { gates: proposed } = proposeGates(
          names.map((name, index) => found(index, name, azure(`vault-${index}`))),
        );
        const lower = proposed.map(({ name }) => name.toLowerCase());
        expect(new Set(lower).size).toBe(names.length);
        for (const { name } of proposed) expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);
      },
    ),
  );
});
