/** What AWS's answers mean for the gate. Pure. */
import { createHash } from 'node:crypto';
import type { Cidr } from '../../address/cidr.ts';
import type { Finding } from '../../finding.ts';
import { entriesOf, listFindings } from '../aws/address-list.ts';
import { readBlock } from '../aws/condition.ts';
import type { RolePrincipal } from '../aws/evaluate-statement.ts';
import { Judge } from '../aws/judge.ts';
import { decisionOf, shutOutFindings } from '../aws/lets.ts';
import { compactJson } from '../aws/policy-document.ts';
import { meaningOf } from '../aws/same-policy.ts';
import type { RolePolicies } from '../aws/surroundings.ts';
import type { GateState, Lets, Revision } from '../gate.ts';
import { bytesOf, type Identity, type KeyPolicy, withoutOwn } from './document.ts';

export interface KeyReading {
  readonly keyArn: string;
  readonly identity: Identity;
  readonly policy: KeyPolicy;
  readonly role: RolePrincipal;
  readonly rolePolicies: Omit<RolePolicies, 'findings'>;
  /** Of what was read around the list. */
  readonly findings: readonly Finding[];
}

export function stateOf(reading: KeyReading): GateState {
  const { keyArn, identity, policy, role, rolePolicies, findings } = reading;
  const { own } = policy;
  const { policies, isComplete, boundary } = rolePolicies;
  const judgeOf = (document: KeyPolicy['document']) =>
    new Judge({
      key: keyArn,
      role,
      policies: {
        key: { name: 'the key policy', document },
        role: policies,
        roleIsComplete: isComplete,
        boundary,
      },
    });
  // As a call from a listed address meets it: our Deny does not speak of it.
  const listed = judgeOf(own?.strange === undefined ? withoutOwn(policy) : policy.document);
  const entries = entriesOf(own?.values ?? []);
  const lets = letsOf(policy, entries, listed);
  const strange = strangeFindingOf(own, identity.sid);
  return {
    entries,
    revision: revisionOf(policy),
    lets,
    ...(own === undefined && { nextWriteShutsOut: true as const }),
    ...(strange && { obstacle: strange }),
    findings: [
      ...ownFindings(policy, identity, lets),
      ...(isEmptyList(policy) ? [] : shutOutFindings(lets, listed, entries)),
      ...listFindings(own?.values ?? []),
      ...findings,
    ],
    takenElsewhere: takenElsewhere(reading),
    decide: cidr => decisionOf(listed, cidr),
  };
}

/** Equal exactly when the whole policy means the same: a write replaces all of it. */
export function revisionOf({ document }: KeyPolicy): Revision {
  return createHash('sha256').update(meaningOf(document)).digest('hex') as Revision;
}

function letsOf(policy: KeyPolicy, entries: readonly Cidr[], listed: Judge): Lets {
  const { own } = policy;
  const open = listed.ofEveryone();
  if (open === 'denied' || isEmptyList(policy)) return 'nobody';
  if (own?.strange !== undefined) return 'unknown';
  // Without our Deny the other statements decide: for all alike, or by a list of someone else's.
  if (!own) return open === 'allowed' ? 'everyone' : 'unknown';
  const decisions = entries.map(cidr => decisionOf(listed, cidr));
  if (decisions.includes('unknown')) return 'unknown';
  return decisions.includes('let-in') ? 'listed' : 'nobody';
}

/** Our Deny with a list of nothing: AWS denies the role from everywhere. */
function isEmptyList({ own }: KeyPolicy): boolean {
  return own !== undefined && own.strange === undefined && entriesOf(own.values).length === 0;
}

/** Of the key policy's 32,768 bytes: all but our statement, and what ours has beside blocks. */
function takenElsewhere({ policy, identity }: KeyReading): number {
  const unread = (policy.own?.values ?? []).filter(value => readBlock(value) === undefined);
  const extra = unread.length === 0 ? 0 : bytesOf(unread, identity) - bytesOf([], identity) + 1;
  return Buffer.byteLength(compactJson(withoutOwn(policy).raw)) + extra;
}

function ownFindings(policy: KeyPolicy, { sid, roleArn }: Identity, lets: Lets): readonly Finding[] {
  const { own } = policy;
  if (isEmptyList(policy)) {
    return [
      {
        id: 'empty-list',
        severity: 'error',
        message: `The key policy's statement ${sid} lists no address, so it denies the role everything from everywhere.`,
        remedy: 'Run postern apply, which fills the list; or take the statement out by hand.',
      },
    ];
  }
  const strange = strangeFindingOf(own, sid);
  if (strange) return [strange];
  if (own) return [];
  return [
    {
      id: 'list-not-there',
      severity: 'warning',
      message:
        lets === 'everyone'
          ? `The key policy has no statement ${sid} yet: the role ${roleArn} may use the key from any address.`
          : `The key policy has no statement ${sid} yet, so Postern's list decides nothing.`,
      remedy: `The first apply adds it: from then on the role reaches the key from the listed addresses only, whoever uses the role. See first that nothing but Atlas uses it.`,
    },
  ];
}

export const notOursRemedy =
  'Give that statement another Sid, or Postern one of its own by `sid` in the config.';

function strangeFindingOf(own: KeyPolicy['own'], sid: string): Required<Finding> | undefined {
  if (own?.strange === undefined) return undefined;
  return {
    id: 'statement-not-ours',
    severity: 'error',
    message: `The key policy has a statement with Postern's Sid ${sid} that is not as Postern writes it: ${own.strange}. Postern does not write over it.`,
    remedy: notOursRemedy,
  };
}
