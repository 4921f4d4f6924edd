/** IAM's policy simulator: what a role's own policies say to a request that is told in full. */
import { AddressSet } from '../../address/address-set.ts';
import { parseCidr } from '../../address/cidr.ts';
import type { Context } from './conditions.ts';
import type { Entity } from './directory.ts';
import { callerOf, identityVerdict } from './evaluate.ts';
import { listOf, type PolicyDocument } from './policy-document.ts';

type Input = Readonly<Record<string, any>>;

const decisions = {
  allow: 'allowed',
  deny: 'explicitDeny',
  none: 'implicitDeny',
  'to-account': 'implicitDeny',
};
const notSimulated = ['ResourcePolicy', 'PolicyInputList', 'PermissionsBoundaryPolicyInputList', 'CallerArn'];

/** Results by action and resource, as IAM gives them. Throws for what the lab does not simulate. */
export function simulate(
  role: Entity,
  documents: readonly PolicyDocument[],
  input: Input,
): readonly object[] {
  const other = notSimulated.find(name => input[name] !== undefined);
  if (other !== undefined) throw new Error(`the lab simulates without ${other}`);
  return listOf<string>(input.ActionNames).flatMap(action =>
    listOf<string>(input.ResourceArns ?? '*').map(resource => {
      const missing = new Set<string>();
      const context = contextOf(listOf(input.ContextEntries), missing);
      const verdict = identityVerdict(documents, { caller: callerOf(role), action, resource, context });
      return {
        EvalActionName: action,
        EvalResourceName: resource,
        EvalDecision: decisions[verdict],
        MatchedStatements: [],
        MissingContextValues: [...missing],
      };
    }),
  );
}

/** Notes in `missing` the keys that a condition asked for in vain. */
function contextOf(entries: readonly Input[], missing: Set<string>): Context {
  return key => {
    const entry = entries.find(({ ContextKeyName }) => String(ContextKeyName).toLowerCase() === key);
    if (!entry) {
      missing.add(key);
      return undefined;
    }
    const values = listOf<string>(entry.ContextKeyValues);
    if (!/^ip/i.test(entry.ContextKeyType)) return values;
    return AddressSet.of(values.map(value => parseCidr(value, { bare: 'host', hostBits: 'mask' })));
  };
}
