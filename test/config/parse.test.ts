import { expect, test } from 'vitest';
import { ConfigError } from '../../src/config/index.ts';
import { loadConfig } from '../../src/config/load.ts';
import { filesOf, gateYaml, projectId, vaultId } from './fixtures.ts';

/** The lines of a config's error, without its head. */
function faultsOf(yaml: string): readonly string[] {
  try {
    loadConfig({ env: {}, files: filesOf({ 'postern.yaml': yaml }) });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map(line => line.trim());
  }
  return [];
}

const gateKeys =
  'kind, name, projects, policy, pinned, adopt, removal, vault, cloud, endpoint, authorityHost, credential';
const literalSecret =
  'expected a reference to a secret, env:NAME or file:PATH; got something else, which is not shown. If it is the secret itself, take it out of the file, and consider it known to whoever can read the file.';

test.each<[name: string, yaml: string, faults: readonly string[]]>([
  [
    'an unknown key at the top',
    'statik: []',
    [
      'postern.yaml:1:1  unknown key "statik"; expected one of state, database, atlas, static, gates, watch, server, notify. Did you mean static?',
    ],
  ],
  [
    'an unknown key that is like no other',
    'xyzzy: 1',
    [
      'postern.yaml:1:1  unknown key "xyzzy"; expected one of state, database, atlas, static, gates, watch, server, notify. Take it out.',
    ],
  ],
  [
    'an unknown key in another style',
    'atlas:\n  base_url: commercial',
    [
      'postern.yaml:2:3  atlas: unknown key "base_url"; expected one of baseUrl, auth, includeGateways, timeoutSeconds. Did you mean baseUrl?',
    ],
  ],
  [
    'an unknown key of a gate',
    gateYaml('polcy: sync'),
    [`postern.yaml:6:5  gates[0]: unknown key "polcy"; expected one of ${gateKeys}. Did you mean policy?`],
  ],
  [
    'an unknown policy',
    gateYaml('policy: snyc'),
    [
      'postern.yaml:6:13  gates[0].policy: expected one of observe, add-only, sync; got "snyc". Did you mean sync?',
    ],
  ],
  [
    'a missing key',
    `gates:\n  - name: a\n    kind: azure-key-vault\n    projects: [${projectId}]`,
    ['postern.yaml:2:5  gates[0].vault: missing; expected a text. Add it.'],
  ],
  [
    'no projects',
    gateYaml().replace(projectId, ''),
    ['postern.yaml:5:15  gates[0].projects: expected at least one item; the list is empty. Add one.'],
  ],
  [
    'a project id that YAML takes for a number',
    gateYaml().replace(projectId, '649999999999999999999999'),
    [
      'postern.yaml:5:16  gates[0].projects[0]: expected a text; YAML reads 649999999999999999999999 as a number. Put it in quotes: "649999999999999999999999".',
    ],
  ],
  [
    'a project id that YAML takes for a number with an exponent',
    gateYaml().replace(projectId, '5e0000000000000000000001'),
    [
      'postern.yaml:5:16  gates[0].projects[0]: expected a text; YAML reads 5e0000000000000000000001 as a number. Put it in quotes: "5e0000000000000000000001".',
    ],
  ],
  [
    'a project twice',
    gateYaml().replace(projectId, `${projectId}, ${projectId}`),
    [`postern.yaml:5:42  gates[0].projects[1]: project ${projectId} is listed twice. Take one out.`],
  ],
  [
    'a literal secret',
    'atlas:\n  auth:\n    serviceAccount:\n      clientId: mdb_sa_id_1\n      clientSecret: mdb_sa_sk_hush',
    [`postern.yaml:5:21  atlas.auth.serviceAccount.clientSecret: ${literalSecret}`],
  ],
  [
    'the secret in the place of the id',
    'atlas:\n  auth:\n    serviceAccount:\n      clientId: mdb_sa_sk_hush\n      clientSecret: env:X',
    [
      'postern.yaml:4:17  atlas.auth.serviceAccount.clientId: expected the public part of the credential; got the secret one, which is not shown. Write the id here and the secret by reference, as env:NAME or file:PATH.',
    ],
  ],
  [
    'a secret where a map belongs',
    'atlas:\n  auth: mdb_sa_sk_hush',
    ['postern.yaml:2:9  atlas.auth: expected a map of keys; got a text.'],
  ],
  [
    'two ways to sign in',
    'atlas:\n  auth:\n    serviceAccount: { clientId: a, clientSecret: env:A }\n    apiKey: { publicKey: b, privateKey: env:B }',
    [
      'postern.yaml:3:5  atlas.auth: expected one of serviceAccount and apiKey; got both. Keep one. MongoDB recommends service accounts.',
    ],
  ],
  [
    'no way to sign in',
    'atlas:\n  auth: {}',
    ['postern.yaml:2:9  atlas.auth: expected one of serviceAccount and apiKey; got neither.'],
  ],
  [
    'a URL with a password',
    'atlas:\n  baseUrl: https://me:hush@example.com',
    [
      'postern.yaml:2:12  atlas.baseUrl: expected commercial, government, or an https URL without a user name or password; got one with, which is not shown.',
    ],
  ],
  [
    'a URL that is not encrypted',
    'atlas:\n  baseUrl: http://atlas.example.com',
    [
      'postern.yaml:2:12  atlas.baseUrl: expected commercial, government, or an https URL; got "http://atlas.example.com". Credentials are sent there: plain http is for this machine alone.',
    ],
  ],
  [
    'a malformed block',
    'static:\n  - cidr: 8.8.8.8/33',
    [
      'postern.yaml:2:11  static[0].cidr: "8.8.8.8/33" is not a CIDR block that Postern accepts: the prefix length "33" is larger than 32, the largest for IPv4. Write a block such as 203.0.113.0/24.',
    ],
  ],
  [
    'everyone',
    gateYaml('pinned: [0.0.0.0/0]'),
    [
      'postern.yaml:6:14  gates[0].pinned[0]: "0.0.0.0/0" is never let in: it is broader than /16, the broadest IPv4 block that is ever let in. Take it out.',
    ],
  ],
  [
    'a private block',
    gateYaml('pinned:', '  - 10.1.0.0/16'),
    [
      'postern.yaml:7:9  gates[0].pinned[0]: "10.1.0.0/16" is never let in: it lies in 10.0.0.0/8, private use (IANA IPv4 Special-Purpose Address Registry, RFC 1918). Take it out.',
    ],
  ],
  [
    'durations and bounds',
    gateYaml('removal: { grace: 7 days, maxShare: 25, minReads: 1, maxCount: 1.5 }'),
    [
      'postern.yaml:6:23  gates[0].removal.grace: expected a duration such as 90m, 12h or 7d; got "7 days".',
      'postern.yaml:6:41  gates[0].removal.maxShare: expected at most 1; got 25.',
      'postern.yaml:6:55  gates[0].removal.minReads: expected at least 2; got 1.',
      'postern.yaml:6:68  gates[0].removal.maxCount: expected a whole number; got the number 1.5.',
    ],
  ],
  [
    'a duration without its unit',
    gateYaml('removal: { grace: 7 }'),
    ['postern.yaml:6:23  gates[0].removal.grace: expected a duration such as 90m, 12h or 7d; got "7".'],
  ],
  [
    'a number where true or false belongs',
    gateYaml('adopt: 1'),
    ['postern.yaml:6:12  gates[0].adopt: expected true or false; got the number 1.'],
  ],
  [
    'a map where a list belongs',
    'gates:\n  production: {}',
    ['postern.yaml:2:3  gates: expected a list; got a map of keys. Begin each item with "- ".'],
  ],
  ['a text for the whole', 'hello', ['postern.yaml:1:1  expected a map of keys; got a text.']],
  [
    'a vault that is none',
    gateYaml().replace(vaultId, 'https://atlas-keys.vault.azure.net'),
    [
      'postern.yaml:4:12  gates[0].vault: expected the vault\'s resource id, /subscriptions/…/resourceGroups/…/providers/Microsoft.KeyVault/vaults/…; got "https://atlas-keys.vault.azure.net". Print it with: az keyvault show --name NAME --query id --output tsv',
    ],
  ],
  [
    'one vault as two gates, in other letters',
    `${gateYaml()}\n${gateYaml().split('\n').slice(1).join('\n').replace('production', 'Production').replace('atlas-keys', 'ATLAS-KEYS')}`,
    [
      'postern.yaml:6:11  gates[1].name: two gates are called Production. Give each gate a name of its own.',
      'postern.yaml:8:12  gates[1].vault: two gates are the same vault, ATLAS-KEYS. Make them one gate, and list the projects of both.',
    ],
  ],
  [
    'YAML that is broken',
    'atlas:\n  auth: "hush\n',
    [
      'postern.yaml:3:1  this is not valid YAML: a character is missing, such as a closing quote, bracket, or colon. Check the indentation, the quotes and the colons there.',
    ],
  ],
  [
    'a key twice',
    'static: []\nstatic: []',
    [
      'postern.yaml:2:1  this is not valid YAML: the same key stands twice in one map. Check the indentation, the quotes and the colons there.',
    ],
  ],
  [
    'two documents',
    'static: []\n---\nstatic: []',
    [
      'postern.yaml:2:1  this is not valid YAML: there is more than one document in the file. Check the indentation, the quotes and the colons there.',
    ],
  ],
])('%s', (_, yaml, faults) => {
  expect(faultsOf(yaml)).toEqual(faults);
});

test('every fault is told at once, in the order of the file', () => {
  const faults = faultsOf(`statik: []\n${gateYaml('polcy: sync', 'policy: x', 'adopt: 1')}`);
  expect(faults.map(fault => fault.split('  ', 1)[0])).toEqual([
    'postern.yaml:1:1',
    'postern.yaml:7:5',
    'postern.yaml:8:13',
    'postern.yaml:9:12',
  ]);
});

test('no fault shows a secret, wherever it was put', () => {
  const secret = 'hush-hush-secret';
  for (const yaml of [
    `atlas: ${secret}`,
    `atlas: { auth: [${secret}] }`,
    `atlas: { auth: { serviceAccount: ${secret} } }`,
    `atlas: { auth: { serviceAccount: { clientId: a, clientSecret: ${secret} } } }`,
    `atlas: { auth: { apiKey: { publicKey: a, privateKey: "${secret}" } } }`,
    `atlas: { baseUrl: "https://a:${secret}@example.com" }`,
    `atlas: { baseUrl: "https://example.com/?key=${secret}" }`,
    gateYaml(`credential: { tenantId: ${secret}, clientId: ${secret}, clientSecret: ${secret} }`),
    `atlas:\n  auth: "${secret}\n   x: y`,
    `atlas:\n  auth: *${secret}`,
  ]) {
    const faults = faultsOf(yaml);
    expect(faults, yaml).not.toEqual([]);
    expect(faults.join('\n')).not.toContain(secret);
  }
});
