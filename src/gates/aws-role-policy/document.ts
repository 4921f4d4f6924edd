/** The inline policy that is ours: one statement that allows what Atlas does with the key, from the list. Pure. */
import { sourceIpKey } from '../aws/condition.ts';
import { atlasActions } from '../aws/judge.ts';
import { type PolicyDocument, parsePolicy } from '../aws/policy-document.ts';
import { isSameStatement } from '../aws/same-policy.ts';
import { countCharacters } from '../aws/surroundings.ts';

export interface OwnPolicy {
  readonly document: PolicyDocument;
  /** The values of its `aws:SourceIp`, as they are written. */
  readonly values: readonly string[];
  /** What stands in it that Postern did not write; undefined when it is ours. */
  readonly strange: string | undefined;
}

/** Throws a PolicyError when the text is no policy. */
export function readOwnPolicy(text: string, keyArn: string): OwnPolicy {
  const document = parsePolicy(text);
  const [statement, ...more] = document.statements;
  const lists = statement?.conditions.filter(({ key, blocks }) => key === sourceIpKey && blocks) ?? [];
  const values = lists.length === 1 ? lists[0]!.values : [];
  return { document, values, strange: strangeness() };

  function strangeness(): string | undefined {
    if (!statement || more.length > 0)
      return `it has ${document.statements.length} statements instead of one`;
    const unknown = Object.keys(document.raw).find(name => !['Version', 'Id', 'Statement'].includes(name));
    if (unknown !== undefined) return `it has a member ${JSON.stringify(unknown)}`;
    const ours = parsePolicy(writeOwnPolicy(values, keyArn, document)).statements[0]!;
    if (isSameStatement(statement, ours)) return undefined;
    const conditions = JSON.stringify(statement.raw.Condition ?? null);
    const isSameButConditions = isSameStatement(
      { ...statement, conditions: [] },
      { ...ours, conditions: [] },
    );
    return isSameButConditions
      ? `its Condition is not a single list of addresses: ${conditions.slice(0, 200)}`
      : `its statement is not an Allow of ${atlasActions.join(', ')} on ${keyArn} alone`;
  }
}

/** The text to send, compact. A Sid and an Id that someone gave it stay. */
export function writeOwnPolicy(values: readonly string[], keyArn: string, old?: PolicyDocument): string {
  const { Id } = old?.raw ?? {};
  const Sid = old?.statements[0]?.raw.Sid;
  return JSON.stringify({
    Version: '2012-10-17',
    ...(Id !== undefined && { Id }),
    Statement: [
      {
        ...(Sid !== undefined && { Sid }),
        Effect: 'Allow',
        Action: atlasActions,
        Resource: keyArn,
        Condition: { IpAddress: { 'aws:SourceIp': values } },
      },
    ],
  });
}

/** What a policy of these values takes of the role's 10,240 characters. */
export function charactersOf(values: readonly string[], keyArn: string, old?: PolicyDocument): number {
  return countCharacters(writeOwnPolicy(values, keyArn, old));
}

/** The same policy without its conditions: what would become of a call from a listed address. */
export function openPolicy(keyArn: string): PolicyDocument {
  const { Condition: _, ...statement } = JSON.parse(writeOwnPolicy([], keyArn)).Statement[0];
  return parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: [statement] }));
}
