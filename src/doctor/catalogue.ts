/**
 * What each finding means, by its id: why it matters, in a sentence that is the same whatever gate or project it
 * is about. docs/doctor.md is made of this table, and a test holds it against every id in the sources.
 */
import type { Area } from './report.ts';

export const catalogue = {
  setup: {
    'config-unreadable': 'Without its config Postern does nothing at all.',
    'no-gates': 'A gate is what Postern keeps in step; without one it only lists addresses.',
    'secret-file-world-readable': 'Whoever can read the file can act with these credentials.',
    'journal-unusable':
      'Without its journal Postern still adds addresses, and removes none, because it cannot tell which are its own.',
    'journal-new': 'A new journal means that every entry of a gate counts as someone else’s.',
    'journal-stale': 'Addresses that Atlas has begun to use since then are not let in.',
  },
  atlas: {
    'atlas-credentials-missing':
      'Without credentials only the control plane can be read: the nodes’ addresses, and what Atlas says of the key, are not known.',
    'atlas-credentials-refused': 'Nothing but the control plane can be read.',
    'atlas-access-list':
      'Atlas answers only addresses on the list. The control plane’s addresses can be read from anywhere.',
    'atlas-forbidden': 'The rights of the credentials do not reach as far as Postern reads.',
    'atlas-unreadable': 'What depends on it could not be checked now.',
    'api-version-gone': 'Atlas no longer answers this Postern.',
    'no-projects-visible': 'The nodes’ addresses of no project can be read.',
    'control-plane-incomplete': 'What could be read is let in; nothing is removed on that account.',
    'gateways-not-included':
      'No source says whether calls to a KMS come from gateways. They are let in where the config says `includeGateways: true`.',
    'gateway-gone': 'Its addresses are in grace like any others.',
    'region-gone': 'Its addresses are in grace like any others.',
    'unknown-cloud':
      'Atlas calls from a cloud that this Postern does not know; its addresses are let in all the same.',
    'clock-skew':
      'Grace periods are measured by this clock: five minutes off, nothing is removed. Clouds refuse requests that are signed with a wrong time.',
    'api-sunset':
      'After that day Atlas refuses what this Postern asks, and gates are no longer kept in step.',
    'atlas-secret-ends':
      'After that day the nodes’ addresses can no longer be read, nor what Atlas says of the key.',
  },
  project: {
    'project-unreadable': 'Whether the key works, and which KMS it is in, is not known.',
    'no-customer-key': 'A list for a key that is not used protects nothing.',
    'project-not-served':
      'Nobody keeps the list before this key in step: a new address of Atlas would be locked out of it.',
    'key-not-valid':
      'A cluster that restarts cannot open its data; Atlas may also shut it down at its next check, every 15 minutes.',
    'private-networking': 'Atlas’s calls do not come from public addresses.',
    'private-networking-multi-cloud': 'Some of its nodes may still call the key from public addresses.',
    'search-nodes': 'A search node that is locked out is removed, and has to be built anew.',
    'alert-missing':
      'Nobody is told when the KMS refuses Atlas, nor is Postern after a removal. Older projects lack this alert.',
    'alert-off': 'Nobody is told when the KMS refuses Atlas, nor is Postern after a removal.',
    'alert-unknown': 'Whether anybody is told when the KMS refuses Atlas could not be checked.',
    'kms-alert-open':
      'A node that its KMS refuses works until it restarts. Removals wait until the alert is closed or acknowledged, because a new one could not be told from it.',
    'kms-alerts-not-readable':
      'After a removal an alert that Atlas opens would not be seen; what Atlas says of the key remains.',
    'kms-alerts-unknown': 'Whether Atlas has an alert open on the KMS could not be checked now.',
    'clusters-unknown': 'Whether every cluster’s KMS has a gate could not be checked.',
    'no-clusters':
      'Addresses of nodes come with the first cluster; provisioning waits up to three days for access.',
    'cluster-without-key': 'Its data is not encrypted with your key, whatever the project is set up for.',
    'cluster-other-kms': 'Nobody keeps the list before that key in step.',
    'cluster-being-created':
      'Provisioning waits up to three days for its nodes to be let in, then it is given up.',
  },
  gate: {
    'gate-unreadable': 'Postern can neither tell whether Atlas is let in nor let it in.',
    'gate-not-diagnosed': 'Some rights of Postern, or settings around the list, could not be checked.',
    'list-not-in-force': 'Whatever the list holds, something else decides who comes in.',
    'locked-out':
      'Calls from these addresses are refused. It stays hidden until a node with such an address restarts.',
    'write-stopped': 'Not even additions can be written before this is mended.',
    capacity: 'How much of the limit the list takes.',
    'capacity-low': 'When the list is full, a new address of Atlas cannot be let in.',
    'policy-observe': 'Nothing is added when Atlas begins to use another address.',
    fight: 'Two hands write one list, and each undoes the other’s work.',
    'foreign-but-wanted': 'When Atlas drops them, nobody takes them out.',
    'relies-on-foreign': 'When that entry goes, Atlas would be locked out.',
    'family-not-supported': 'Calls that Atlas makes from there are refused.',
    'never-written': 'Postern lets in no reserved, private or very broad range, whoever lists it.',
    'default-action-allow':
      'Anybody on the internet reaches the vault’s front door; credentials alone protect it.',
    'public-network-access-disabled': 'Atlas cannot reach the key, unless it uses private endpoints.',
    'secured-by-perimeter': 'What Postern writes has no effect on who comes in.',
    'no-network-rules': 'There is no list to write.',
    'rule-not-understood': 'Whom it lets in is not known.',
    'host-bits': 'It is read as the block around it.',
    'questionable-rule': 'It lets in more than anybody should need.',
    'right-lacking': 'What needs this right fails, at the latest when Atlas begins to use another address.',
    'rights-unknown': 'Whether Postern may do what it has to could not be checked without trying it.',
    'rights-not-tested': 'Whether Postern may do what it has to could not be checked without trying it.',
    'too-many-rights': 'Whoever gets hold of Postern’s identity gets hold of these rights.',
    'right-simulated': 'Nothing: the first write should go through.',
    'right-not-tested': 'Whether Postern may do what it has to shows at the first write only.',
    bypass: 'The list decides nothing: a call from anywhere else passes by this way.',
    'bypass-by-grant': 'The list decides nothing for these calls: a grant stands beside all policies.',
    'bypass-not-known': 'Whether a call from anywhere else passes could not be found out.',
    'let-in-beside': 'More addresses may use the key than the list says.',
    'listed-but-shut-out': 'Being on the list is not enough there: Atlas is refused.',
    'nobody-let-in': 'Atlas cannot use the key from anywhere.',
    'access-not-known': 'Whether Atlas is let in could not be found out, so Postern does not say that it is.',
    'policy-not-read': 'Something that has a say in whether Atlas is let in is not known.',
    'policy-not-ours': 'Postern writes nothing there before it is known whose it is.',
    'statement-not-ours': 'Postern writes nothing there before it is known whose it is.',
    'statement-without-resource': 'Whoever wrote it believes that it does something.',
    'list-not-there': 'There is no list yet; the first apply makes it.',
    'empty-list': 'Atlas is refused from everywhere.',
    'orphaned-principal':
      'AWS may refuse every further write of the key’s policy, Postern’s additions among them.',
    'role-missing': 'Atlas cannot call the key, or another account has the role.',
    'role-misspelt': 'The list would be for a role that nobody assumes.',
    'multi-region-key': 'A call that goes to a replica is not asked for this list.',
    'key-not-usable': 'Atlas cannot use the key, whoever is let in.',
    'key-not-customer-managed': 'AWS lets nobody write the policy of a key of its own.',
    'key-usage': 'Atlas cannot encrypt with it.',
    'read-only-lock': 'Not even additions can be written before this is mended.',
    'condition-without-addresses': 'In Access Context Manager an empty list of addresses means everybody.',
    'conditions-combined-with-and':
      'An address would have to be in every condition at once, so nobody comes in.',
    'custom-level': 'An expression decides, and it is not Postern’s to read or to write.',
    'dry-run-drops-level': 'When the dry run is enforced, Atlas is locked out.',
    'entry-not-understood': 'Whom it lets in is not known.',
    'ingress-from-anywhere': 'The list decides nothing for whom the rule names.',
    'kms-not-restricted': 'The perimeter does not stand before the key: everybody reaches it.',
    'level-absent': 'There is no list yet; the first apply makes it.',
    'level-not-used': 'Nothing asks the list who may come in.',
    'level-opens-perimeter':
      'Everybody on the list comes in to every service of the perimeter, not to the key alone.',
    'other-requirements': 'An address of the list may be refused all the same.',
    'perimeter-encloses-nothing': 'The perimeter does not stand before the key.',
    'perimeter-is-bridge': 'A bridge joins perimeters and restricts nothing.',
    'perimeter-not-known': 'Whether anything asks the list who may come in is not known.',
    'perimeter-not-readable': 'Whether anything asks the list who may come in is not known.',
    'questionable-entry': 'It lets in more than anybody should need.',
    'provisioning-state':
      'Azure is still at work on the vault, or has failed in it; writes may be refused meanwhile.',
  },
} as const satisfies Record<Area, Readonly<Record<string, string>>>;

const meanings = new Map<string, string>(Object.values(catalogue).flatMap(area => Object.entries(area)));

/** Undefined for an id that the table lacks. */
export function meaningOf(id: string): string | undefined {
  return meanings.get(id);
}
