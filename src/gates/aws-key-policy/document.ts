/**
 * The statement that is ours in a key's policy: it denies the role what Atlas does with the key from every
 * address that is not in the list. Every other statement is carried over as AWS gave it. Pure.
 *
 * - `Principal: "*"` with `aws:PrincipalArn`, and not the role as principal: KMS keeps a principal as its
 *   unique id, so a role that is made anew would slip past.
 * - The three actions and no more: a Deny of `kms:*` would take away the right to mend the policy.
 * - A key that a call lacks makes `NotIpAddress` true, so without the `Null` test calls over PrivateLink, which
 *   have no `aws:SourceIp`, would be denied.
 */

import { sourceIpKey } from '../aws/condition.ts';
import { atlasActions } from '../aws/judge.ts';
import type { PolicyDocument, Statement } from '../aws/policy-document.ts';
import { compactJson, parsePolicy, parseStatement } from '../aws/policy-document.ts';
import { isSameStatement } from '../aws/same-policy.ts';

export interface OwnStatement {
  readonly statement: Statement;
  /** The values of its `aws:SourceIp`, as they are written. */
  readonly values: readonly string[];
  /** What of it Postern did not write; undefined when it is ours. */
  readonly strange: string | undefined;
}

export interface KeyPolicy {
  readonly document: PolicyDocument;
  /** Undefined: the policy has no statement by our Sid. */
  readonly own: OwnStatement | undefined;
  /** The statements that are not ours. */
  readonly others: readonly Statement[];
}

export interface Identity {
  readonly roleArn: string;
  readonly sid: string;
}

/** Throws a PolicyError when the text is no policy. */
export function readKeyPolicyText(text: string, identity: Identity): KeyPolicy {
  const document = parsePolicy(text);
  const bySid = document.statements.filter(({ sid }) => sid === identity.sid);
  return {
    document,
    own: bySid.length === 0 ? undefined : ownOf(bySid, identity),
    others: document.statements.filter(({ sid }) => sid !== identity.sid),
  };
}

function ownOf([statement, ...more]: readonly Statement[], identity: Identity): OwnStatement {
  const own = statement!;
  const lists = own.conditions.filter(({ key, blocks }) => key === sourceIpKey && blocks);
  const values = lists.length === 1 ? lists[0]!.values : [];
  const strange = () => {
    if (more.length > 0) return `${more.length + 1} statements have this Sid`;
    if (isSameStatement(own, parseStatement(ownStatement(values, identity)))) return undefined;
    const named = own.conditions.find(({ key }) => key === 'aws:principalarn')?.values ?? [];
    if (named.length === 1 && named[0] !== identity.roleArn) return `it speaks of another role, ${named[0]}`;
    return 'its parts are not those of a Deny that Postern writes';
  };
  return { statement: own, values, strange: strange() };
}

/** Our statement, with these values. */
export function ownStatement(values: readonly string[], { roleArn, sid }: Identity) {
  return {
    Sid: sid,
    Effect: 'Deny',
    Principal: '*',
    Action: atlasActions,
    Resource: '*',
    Condition: {
      ArnEquals: { 'aws:PrincipalArn': roleArn },
      NotIpAddress: { 'aws:SourceIp': values },
      Null: { 'aws:SourceIp': 'false' },
    },
  };
}

/** The text to send: the policy as it was, with our statement in its place, or at the end. */
export function writeKeyPolicy(
  { document, own }: KeyPolicy,
  values: readonly string[],
  identity: Identity,
): string {
  const ours = ownStatement(values, identity);
  const raws = document.statements.map(statement => (statement === own?.statement ? ours : statement.raw));
  return compactJson({ ...document.raw, Statement: own ? raws : [...raws, ours] });
}

/** The policy without our statement. */
export function withoutOwn({ document, others }: KeyPolicy): PolicyDocument {
  return { raw: { ...document.raw, Statement: others.map(({ raw }) => raw) }, statements: others };
}

/** What our statement takes of the 32,768 bytes, with the comma before it. */
export function bytesOf(values: readonly string[], identity: Identity): number {
  return 1 + Buffer.byteLength(compactJson(ownStatement(values, identity)));
}
