/** What a vault that is not as it should be is told of, over real HTTP. */
import { expect, test } from 'vitest';
import { openAzureSubject } from './subject.ts';

test.each<[string, (properties: any) => void, string, readonly string[]]>([
  ['a sound vault', () => {}, 'listed', []],
  [
    'public access disabled',
    properties => (properties.publicNetworkAccess = 'Disabled'),
    'nobody',
    ['error public-network-access-disabled'],
  ],
  [
    'a perimeter',
    properties => (properties.publicNetworkAccess = 'SecuredByPerimeter'),
    'unknown',
    ['error secured-by-perimeter'],
  ],
  ['no rules', properties => delete properties.networkAcls, 'unknown', ['error no-network-rules']],
  [
    'everybody let in',
    properties => (properties.networkAcls.defaultAction = 'Allow'),
    'everyone',
    ['error default-action-allow'],
  ],
  [
    'a default action of another word',
    properties => (properties.networkAcls.defaultAction = 'Audit'),
    'unknown',
    ['error default-action-allow'],
  ],
  [
    'no default action',
    properties => delete properties.networkAcls.defaultAction,
    'unknown',
    ['error default-action-allow'],
  ],
  [
    'a rule that is no block',
    properties => properties.networkAcls.ipRules.push({ value: 'VirtualNetwork' }),
    'listed',
    ['warning rule-not-understood'],
  ],
  [
    'a rule that is far too broad',
    properties => properties.networkAcls.ipRules.push({ value: '0.0.0.0/2' }),
    'listed',
    ['warning questionable-rule'],
  ],
  [
    'a private rule',
    properties => properties.networkAcls.ipRules.push({ value: '10.0.0.0/24' }),
    'listed',
    ['warning questionable-rule'],
  ],
  [
    'host bits',
    properties => properties.networkAcls.ipRules.push({ value: '52.0.0.9/24' }),
    'listed',
    ['info host-bits'],
  ],
  [
    'a vault that is being changed',
    properties => (properties.provisioningState = 'Updating'),
    'listed',
    ['warning provisioning-state'],
  ],
  [
    'a vault that registers its name',
    properties => (properties.provisioningState = 'RegisteringDns'),
    'listed',
    [],
  ],
])('%s', async (_, change, lets, findings) => {
  const subject = await openAzureSubject();
  subject.edit(({ properties }) => change(properties));
  const state = await (await subject.openGate('read-only')).read();
  expect(state.lets).toBe(lets);
  expect(state.findings.map(({ severity, id }) => `${severity} ${id}`)).toEqual(findings);
  for (const { message } of state.findings) expect(message).toMatch(/^[A-Z].*\.$/s);
  expect(state.lastChange).toMatchObject({ by: 'bob@example.com', at: expect.stringMatching(/^2026-/) });
});
