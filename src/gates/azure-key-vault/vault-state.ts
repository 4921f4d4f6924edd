/** What a vault's answer means for the gate. Pure. */
import { createHash } from 'node:crypto';
import { type Cidr, tryParseCidr } from '../../address/cidr.ts';
import { neverWrittenReason } from '../../address/classify.ts';
import type { Finding } from '../../finding.ts';
import type { GateState, Lets, Revision } from '../gate.ts';
import type { NetworkAclsAnswer, VaultAnswer } from './schema.ts';

/** One rule of the list: the text that Azure holds, and what it means; undefined where it cannot be read. */
export interface Rule {
  readonly text: string;
  readonly cidr: Cidr | undefined;
  readonly masked: boolean;
}

export function rulesOf(acls: NetworkAclsAnswer | null | undefined): readonly Rule[] {
  return (acls?.ipRules ?? []).map(({ value }) => {
    // Lenient with what is there already: a bare address and host bits are somebody's, and understood.
    const parsed = tryParseCidr(value, { bare: 'host', hostBits: 'mask' });
    return { text: value, cidr: parsed.ok ? parsed.cidr : undefined, masked: parsed.ok && parsed.masked };
  });
}

const knownMembers = new Set(['bypass', 'defaultAction', 'ipRules', 'virtualNetworkRules']);

/** Why the network rules must not be written over as they stand. */
function obstacleOf(acls: NetworkAclsAnswer | null | undefined): GateState['obstacle'] {
  if (!acls?.defaultAction) {
    return {
      message: 'The vault shows no network rules, and to create them would change its default action.',
      remedy: 'Set the vault to allow public access from selected networks once, by hand.',
    };
  }
  const unknown = Object.keys(acls).find(name => !knownMembers.has(name));
  if (unknown === undefined) return undefined;
  return {
    message: `The vault's network rules have a part that this Postern does not know (${unknown}), and a write could lose it.`,
    remedy: 'Upgrade Postern.',
  };
}

export function stateOf(vault: VaultAnswer): GateState {
  const { networkAcls, publicNetworkAccess, provisioningState } = vault.properties;
  const rules = rulesOf(networkAcls);
  const { lastModifiedAt, lastModifiedBy } = vault.systemData ?? {};
  const obstacle = obstacleOf(networkAcls);
  return {
    entries: [...new Set(rules.flatMap(({ cidr }) => cidr ?? []))],
    revision: revisionOf(vault),
    lets: letsOf(vault),
    ...(obstacle && { obstacle }),
    findings: [
      ...accessFindings(publicNetworkAccess ?? undefined, networkAcls),
      ...rules.flatMap(ruleFindings),
      ...provisioningFindings(provisioningState ?? undefined),
    ],
    ...((lastModifiedAt || lastModifiedBy) && {
      lastChange: {
        ...(lastModifiedAt && { at: lastModifiedAt }),
        ...(lastModifiedBy && { by: lastModifiedBy }),
      },
    }),
  };
}

/**
 * Equal exactly when the network rules are. A vault has no ETag, and its `lastModifiedAt` also moves when
 * somebody edits a tag, which is no conflict.
 */
export function revisionOf({ properties }: VaultAnswer): Revision {
  const { networkAcls, publicNetworkAccess } = properties;
  const content = [
    rulesOf(networkAcls)
      .map(({ text, cidr }) => cidr ?? text)
      .sort(),
    otherMembers(networkAcls),
    publicNetworkAccess ?? null,
  ];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex') as Revision;
}

/** Everything of the network rules that is not ours, in a form in which equal things are equal. */
export function otherMembers(acls: NetworkAclsAnswer | null | undefined): unknown {
  if (!acls) return null;
  const { ipRules: _, virtualNetworkRules, ...rest } = acls;
  return {
    rest: Object.entries(rest).sort(([a], [b]) => a.localeCompare(b)),
    // Azure gives ids back in lower case.
    virtualNetworkRules: (virtualNetworkRules ?? [])
      .map(({ id, ignoreMissingVnetServiceEndpoint = null }) =>
        JSON.stringify([id.toLowerCase(), ignoreMissingVnetServiceEndpoint || null]),
      )
      .sort(),
  };
}

function letsOf({ properties: { networkAcls, publicNetworkAccess } }: VaultAnswer): Lets {
  if (publicNetworkAccess === 'Disabled') return 'nobody';
  if (publicNetworkAccess === 'SecuredByPerimeter' || !networkAcls) return 'unknown';
  if (networkAcls.defaultAction === 'Deny') return 'listed';
  return networkAcls.defaultAction === 'Allow' ? 'everyone' : 'unknown';
}

function accessFindings(
  access: string | undefined,
  acls: NetworkAclsAnswer | null | undefined,
): readonly Finding[] {
  if (access === 'Disabled') {
    return [
      {
        id: 'public-network-access-disabled',
        severity: 'error',
        message:
          'The vault has public network access disabled: its list is not in force, and nobody comes in from the internet.',
        remedy:
          'Enable public access from selected networks, or have Atlas use private endpoints, where no list is needed.',
      },
    ];
  }
  if (access === 'SecuredByPerimeter') {
    return [
      {
        id: 'secured-by-perimeter',
        severity: 'error',
        message: 'A network security perimeter decides who reaches the vault: its own list is not in force.',
        remedy:
          "Let Atlas's addresses in by an inbound access rule of the perimeter, or take the vault out of it.",
      },
    ];
  }
  if (!acls) {
    return [
      {
        id: 'no-network-rules',
        severity: 'error',
        message: 'The vault shows no network rules; Postern does not create them.',
        remedy:
          'Set the vault to allow public access from selected networks (default action Deny) once, by hand.',
      },
    ];
  }
  if (acls.defaultAction === 'Deny') return [];
  return [
    {
      id: 'default-action-allow',
      severity: 'error',
      message: `The vault's default action is ${acls.defaultAction ?? 'not shown'}: everybody comes in, and its list decides nothing.`,
      remedy:
        'When every address of Atlas is in the list (postern check), set the default action to Deny. Postern never changes it.',
    },
  ];
}

function ruleFindings({ text, cidr, masked }: Rule): readonly Finding[] {
  if (cidr === undefined) {
    return [
      {
        id: 'rule-not-understood',
        severity: 'warning',
        message: `The vault has a rule ${JSON.stringify(text.slice(0, 80))} that is no address block; it is kept as it is.`,
      },
    ];
  }
  const reason = neverWrittenReason(cidr);
  return [
    ...(masked
      ? [
          {
            id: 'host-bits',
            severity: 'info' as const,
            message: `The vault's rule ${text} has host bits set; it is read as ${cidr} and kept as it is.`,
          },
        ]
      : []),
    ...(reason === undefined
      ? []
      : [
          {
            id: 'questionable-rule',
            severity: 'warning' as const,
            message: `The vault lets in ${cidr}, which Postern would never write: ${reason}.`,
            remedy: "It is someone else's, and is left alone; see whether it is needed.",
          },
        ]),
  ];
}

function provisioningFindings(state: string | undefined): readonly Finding[] {
  if (state === undefined || state === 'Succeeded' || state === 'RegisteringDns') return [];
  return [
    { id: 'provisioning-state', severity: 'warning', message: `The vault's provisioning state is ${state}.` },
  ];
}
