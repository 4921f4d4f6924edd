/**
 * IAM's JSON policy language: what KMS and IAM refuse of a document, before they look at what it means. The
 * grammar is that of IAM's guide. IAM's sentences are its own; of KMS's only those in `kms-model.ts` are known,
 * and those here are the lab's.
 */
import { tryParseCidr } from '../../address/cidr.ts';
import { AwsError } from './aws-error.ts';

export type OneOrMore<T> = T | readonly T[];
export type Principal = '*' | Readonly<Record<string, OneOrMore<string>>>;
export type ConditionBlock = Readonly<Record<string, Readonly<Record<string, OneOrMore<string>>>>>;

export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: Principal;
  readonly NotPrincipal?: Principal;
  readonly Action?: OneOrMore<string>;
  readonly NotAction?: OneOrMore<string>;
  readonly Resource?: OneOrMore<string>;
  readonly NotResource?: OneOrMore<string>;
  readonly Condition?: ConditionBlock;
}

export interface PolicyDocument {
  readonly Version?: string;
  readonly Id?: string;
  readonly Statement: readonly Statement[];
}

/** What the document is for: a key's policy, a policy of a role, or whom a role trusts. */
export type Dialect = 'key' | 'identity' | 'trust';

const versions = ['2012-10-17', '2008-10-17'];
const members = ['Version', 'Id', 'Statement'];
/** In the order in which KMS writes them back. */
export const statementMembers = [
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
] as const;
const principalKinds = ['AWS', 'Service', 'Federated', 'CanonicalUser'];
const operators =
  /^(?:For(?:AllValues|AnyValue):)?(?:(?:String(?:Not)?(?:Equals(?:IgnoreCase)?|Like)|(?:Numeric|Date)(?:(?:Not)?Equals|(?:Less|Greater)Than(?:Equals)?)|Bool|BinaryEquals|(?:Not)?IpAddress|Arn(?:Not)?(?:Equals|Like))(?:IfExists)?|Null)$/i;
const syntax = 'Syntax errors in policy.';

export const listOf = <T>(value: OneOrMore<T> | undefined): readonly T[] =>
  value === undefined ? [] : ((Array.isArray(value) ? value : [value]) as readonly T[]);

/** The document in `text`, well-formed. Throws an AwsError: MalformedPolicyDocument, as its service spells it. */
export function parsePolicy(text: string, dialect: Dialect): PolicyDocument {
  const refuse = (sentence: string): never => {
    throw malformed(dialect, sentence);
  };
  const document = objectOf(parseJson(text, refuse), refuse);
  if (Object.keys(document).some(name => !members.includes(name))) refuse(syntax);
  const { Version, Id, Statement } = document;
  if (Version !== undefined && !versions.includes(Version as string)) {
    refuse('The policy must contain a valid version string');
  }
  if (Id !== undefined && typeof Id !== 'string') refuse(syntax);
  const statements = listOf(Statement as OneOrMore<unknown>).map(statement => objectOf(statement, refuse));
  if (statements.length === 0) refuse(syntax);
  for (const statement of statements) checkStatement(statement, dialect, refuse);
  const sids = statements.flatMap(({ Sid }) => (Sid === undefined || Sid === '' ? [] : [Sid]));
  if (new Set(sids).size < sids.length) refuse('Statement IDs (SID) in a single policy must be unique.');
  return { ...document, Statement: statements } as unknown as PolicyDocument;
}

export function malformed(dialect: Dialect, sentence: string): AwsError {
  return new AwsError(
    dialect === 'key' ? 'MalformedPolicyDocumentException' : 'MalformedPolicyDocument',
    sentence,
  );
}

type Refuse = (sentence: string) => never;

function parseJson(text: string, refuse: Refuse): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse('This policy contains invalid Json');
  }
}

function checkStatement(statement: Record<string, unknown>, dialect: Dialect, refuse: Refuse): void {
  if (Object.keys(statement).some(name => !statementMembers.includes(name as any))) refuse(syntax);
  const { Sid, Effect, Condition } = statement;
  if (Sid !== undefined && typeof Sid !== 'string') refuse(syntax);
  if (dialect !== 'key' && Sid !== undefined && !/^[0-9A-Za-z]*$/.test(Sid as string)) {
    refuse(
      'Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*',
    );
  }
  if (Effect !== 'Allow' && Effect !== 'Deny') refuse(syntax);
  checkPrincipal(statement, dialect, refuse);

  const actions = textsOf(oneOf(statement, 'Action', 'NotAction', refuse), refuse);
  if (actions.length === 0) refuse('Policy statement must contain actions.');
  if (!actions.every(action => action === '*' || /^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$/.test(action))) {
    refuse('Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.');
  }
  const resources = textsOf(oneOf(statement, 'Resource', 'NotResource', refuse), refuse);
  if (dialect === 'identity' && resources.length === 0) refuse('Policy statement must contain resources.');
  if (dialect === 'trust' && resources.length > 0) refuse('Has prohibited field Resource');
  const bad = resources.find(resource => resource !== '*' && resource.split(':').length < 6);
  if (bad !== undefined) refuse(`Resource ${bad} must be in ARN format or "*".`);
  if (Condition !== undefined) checkConditions(objectOf(Condition, refuse), refuse);
}

function checkPrincipal(statement: Record<string, unknown>, dialect: Dialect, refuse: Refuse): void {
  const principal = oneOf(statement, 'Principal', 'NotPrincipal', refuse);
  if (dialect === 'identity') {
    if (principal !== undefined) refuse('Policy document should not specify a principal.');
    return;
  }
  if (principal === undefined) refuse(syntax);
  if (principal === '*') return;
  const kinds = Object.entries(objectOf(principal, refuse));
  if (kinds.length === 0) refuse(syntax);
  for (const [kind, names] of kinds) {
    if (!principalKinds.includes(kind) || textsOf(names, refuse).length === 0) refuse(syntax);
  }
}

function checkConditions(condition: Record<string, unknown>, refuse: Refuse): void {
  for (const [operator, block] of Object.entries(condition)) {
    if (!operators.test(operator)) refuse(`Invalid Condition type : ${operator}.`);
    for (const [key, given] of Object.entries(objectOf(block, refuse))) {
      if (!/^[A-Za-z0-9-]+:./.test(key)) {
        refuse('Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.');
      }
      const values = textsOf(given, refuse);
      if (!/IpAddress/i.test(operator)) continue;
      const bad = values.find(value => !tryParseCidr(value, { bare: 'host', hostBits: 'mask' }).ok);
      if (bad !== undefined) refuse(`Invalid IP address or range: ${bad}`);
    }
  }
}

/** What a statement says by either of two members that exclude each other. */
function oneOf(statement: Record<string, unknown>, name: string, not: string, refuse: Refuse): unknown {
  if (statement[name] !== undefined && statement[not] !== undefined) refuse(syntax);
  return statement[name] ?? statement[not];
}

function textsOf(value: unknown, refuse: Refuse): readonly string[] {
  const list = listOf(value as OneOrMore<unknown>);
  // AWS takes booleans and numbers for texts, as in {"Bool": {"aws:SecureTransport": false}}.
  return list.map(item =>
    typeof item === 'string' || typeof item === 'boolean' || typeof item === 'number'
      ? String(item)
      : refuse(syntax),
  );
}

function objectOf(value: unknown, refuse: Refuse): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as any;
  return refuse(syntax);
}
