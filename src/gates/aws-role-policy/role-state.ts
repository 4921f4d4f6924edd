/** What AWS's answers mean for the gate. Pure. */
import { createHash } from 'node:crypto';
import type { Cidr } from '../../address/cidr.ts';
import type { Finding } from '../../finding.ts';
import type { NamedPolicy, Policies } from '../aws/access.ts';
import { entriesOf, listFindings } from '../aws/address-list.ts';
import { bypassFindings } from '../aws/bypass.ts';
import { readBlock } from '../aws/condition.ts';
import type { RolePrincipal } from '../aws/evaluate-statement.ts';
import { Judge } from '../aws/judge.ts';
import { decisionOf, shutOutFindings } from '../aws/lets.ts';
import { meaningOf } from '../aws/same-policy.ts';
import type { RolePolicies } from '../aws/surroundings.ts';
import type { GateState, Lets, Revision } from '../gate.ts';
import { charactersOf, type OwnPolicy, openPolicy } from './document.ts';

export interface RoleReading {
  readonly keyArn: string;
  readonly policyName: string;
  readonly role: RolePrincipal;
  /** Undefined: the role has no policy by our name yet, which is an empty list. */
  readonly own: OwnPolicy | undefined;
  readonly others: RolePolicies;
  readonly keyPolicy: NamedPolicy | undefined;
  /** Of what was read around the list. */
  readonly findings: readonly Finding[];
}

export function stateOf(reading: RoleReading): GateState {
  const { own, others, keyArn, role, keyPolicy, policyName, findings } = reading;
  const name = `inline policy "${policyName}"`;
  const judge = (more: readonly NamedPolicy[]) => {
    const policies: Policies = {
      key: keyPolicy,
      role: [...others.policies, ...more],
      roleIsComplete: others.isComplete,
      boundary: others.boundary,
    };
    return new Judge({ key: keyArn, role, policies });
  };
  const strange = own?.strange === undefined ? [] : [{ name, document: own.document }];
  // Without our list, and as a call from a listed address meets it.
  const beside = judge(strange);
  const listed = judge([...strange, { name, document: openPolicy(keyArn) }]);
  const entries = entriesOf(own?.values ?? []);
  const lets = letsOf(own, entries, beside, listed);
  const strangeFinding = strangeFindingOf(policyName, own);
  return {
    entries,
    revision: revisionOf(own),
    lets,
    findings: [
      ...(strangeFinding ? [strangeFinding] : []),
      ...shutOutFindings(lets, listed, entries),
      ...(lets === 'nobody' ? [] : bypassFindings(beside, entries)),
      ...listFindings(own?.values ?? []),
      ...findings,
    ],
    takenElsewhere: takenElsewhere(reading),
    ...(strangeFinding && { obstacle: strangeFinding }),
    decide: cidr => decisionOf(listed, cidr),
  };
}

/** Equal exactly when our policy means the same. */
export function revisionOf(own: OwnPolicy | undefined): Revision {
  const content = own ? meaningOf(own.document) : 'none';
  return createHash('sha256').update(content).digest('hex') as Revision;
}

function letsOf(own: OwnPolicy | undefined, entries: readonly Cidr[], beside: Judge, listed: Judge): Lets {
  const open = beside.ofEveryone();
  if (open === 'allowed') return 'everyone';
  if (listed.ofEveryone() === 'denied') return 'nobody';
  // What is in a policy by our name and is not our list decides, and so does a list that someone keeps by hand.
  if (own?.strange !== undefined) return 'unknown';
  if (entries.length === 0) return open === 'denied' ? 'listed' : 'unknown';
  const decisions = entries.map(cidr => decisionOf(listed, cidr));
  if (decisions.includes('unknown')) return 'unknown';
  return decisions.includes('let-in') ? 'listed' : 'nobody';
}

/** Of the role's 10,240 characters: other policies, and what ours has beside a plain list. */
function takenElsewhere({ own, others, keyArn }: RoleReading): number {
  if (!own) return others.inlineCharacters;
  const unread = own.values.filter(value => readBlock(value) === undefined);
  const extra = charactersOf(unread, keyArn, own.document) - charactersOf([], keyArn);
  // A list of some has a comma more than one of some and none.
  return others.inlineCharacters + extra + (unread.length > 0 ? 1 : 0);
}

function strangeFindingOf(policyName: string, own: OwnPolicy | undefined): Required<Finding> | undefined {
  if (own?.strange === undefined) return undefined;
  return {
    id: 'policy-not-ours',
    severity: 'error',
    message: `The role's inline policy ${policyName} holds what Postern did not write: ${own.strange}. Postern does not write over it.`,
    remedy: notOursRemedy,
  };
}

export const notOursRemedy =
  'Move what is in it into a policy of another name, or give Postern a name of its own by `policyName` in the config.';
