/**
 * IAM's policy simulator: what the own policies of a user or a role say to a request that is told in full, and, for a
 * user, what a resource's policy adds ("isn't supported for IAM roles": IAM API reference).
 */
import { AddressSet } from '../../address/address-set.ts';
import { parseCidr } from '../../address/cidr.ts';
import { AwsError } from './aws-error.ts';
import type { Context } from './conditions.ts';
import type { Entity } from './directory.ts';
import { callerOf, identityVerdict, resourceVerdict, type Verdict } from './evaluate.ts';
import { listOf, type PolicyDocument, parsePolicy } from './policy-document.ts';

type Input = Readonly<Record<string, any>>;

/** Whose policies are asked. */
export interface PolicySource {
  readonly entity: Entity;
  readonly documents: readonly PolicyDocument[];
  /** Its permissions boundary. */
  readonly fence?: PolicyDocument;
  /** Actions that are not granted, whatever the documents say. */
  readonly withheld: ReadonlySet<string>;
}

const notSimulated = ['PolicyInputList', 'PermissionsBoundaryPolicyInputList', 'ResourceOwner'];

/** Results by action and resource, as IAM gives them. Throws for what the lab does not simulate. */
export function simulate(source: PolicySource, input: Input): readonly object[] {
  const other = notSimulated.find(name => input[name] !== undefined);
  if (other !== undefined) throw new Error(`the lab simulates without ${other}`);
  const resourcePolicy = resourcePolicyIn(source, input);
  return listOf<string>(input.ActionNames).flatMap(action =>
    listOf<string>(input.ResourceArns ?? '*').map(resource => {
      const missing = new Set<string>();
      const context = contextOf(listOf(input.ContextEntries ?? []), missing);
      const question = { caller: callerOf(source.entity), action, resource, context };
      const byFence = source.fence ? identityVerdict([source.fence], question) : 'allow';
      const byOwn = source.withheld.has(action) ? 'none' : identityVerdict(source.documents, question);
      const byResource = resourcePolicy ? resourceVerdict(resourcePolicy, question, 'key') : 'none';
      return {
        EvalActionName: action,
        EvalResourceName: resource,
        EvalDecision: decisionOf(byOwn, byFence, byResource),
        MatchedStatements: [],
        MissingContextValues: [...missing],
      };
    }),
  );
}

/** An explicit deny wins; a resource's policy that names the caller needs no other. */
function decisionOf(byOwn: Verdict, byFence: Verdict, byResource: Verdict): string {
  if ([byOwn, byFence, byResource].includes('deny')) return 'explicitDeny';
  if (byResource === 'allow') return 'allowed';
  return byOwn === 'allow' && byFence === 'allow' ? 'allowed' : 'implicitDeny';
}

function resourcePolicyIn(
  { entity }: PolicySource,
  { ResourcePolicy, CallerArn }: Input,
): PolicyDocument | undefined {
  const isUser = (arn: string) => /^arn:[^:]+:iam::\d{12}:user\//.test(arn);
  if (CallerArn !== undefined && !isUser(CallerArn)) {
    throw new AwsError(
      'InvalidInput',
      `Invalid Caller ARN: ${CallerArn}. It must be the ARN of an IAM user.`,
    );
  }
  if (CallerArn !== undefined && CallerArn !== entity.arn)
    throw new Error('the lab simulates nobody with the policies of another');
  if (ResourcePolicy === undefined) return undefined;
  if (!isUser(entity.arn)) {
    throw new AwsError(
      'InvalidInput',
      'CallerArn must be provided with a ResourcePolicy for a source that is no user.',
    );
  }
  return parsePolicy(ResourcePolicy, 'key');
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
