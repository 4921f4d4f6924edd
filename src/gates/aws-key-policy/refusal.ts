/** What AWS's refusal of a key policy means. Pure. */
import { nameOf } from '../aws/access.ts';
import { wholeAccount } from '../aws/arn.ts';
import { isAwsError } from '../aws/aws-error.ts';
import { explain } from '../aws/errors.ts';
import { orphansOf } from '../aws/key-findings.ts';
import type { GateError } from '../gate.ts';
import type { KeyPolicy } from './document.ts';

export function explainRefusal(gate: string, error: unknown, { document }: KeyPolicy): GateError {
  const what = 'AWS refused the key policy, and nothing was changed';
  if (!isAwsError(error, 'MalformedPolicyDocument')) return explain(gate, what, error);
  if (/update the key policy in the future/.test(error.message)) {
    return explain(
      gate,
      what,
      error,
      'AWS keeps a policy under which the caller could not change it again; Postern never switches that check off. Have the key policy allow kms:PutKeyPolicy to the identity that Postern runs as, or to the account.',
    );
  }
  if (!/principal/i.test(error.message)) return explain(gate, what, error);
  return explain(gate, what, error, principalRemedy(document));
}

/** AWS does not say which principal it means: those that are gone stand there as unique ids. */
function principalRemedy(document: KeyPolicy['document']): string {
  const policy = { name: 'the key policy' };
  const named = document.statements.map((statement, at) => ({
    name: nameOf(policy, statement, at),
    principals: statement.principals?.values ?? [],
  }));
  const orphaned = named
    .map(({ name, principals }) => ({ name, ids: orphansOf(principals) }))
    .filter(({ ids }) => ids.length > 0);
  if (orphaned.length > 0) {
    const where = orphaned.map(({ name, ids }) => `${ids.join(', ')} in ${name}`).join('; ');
    return `These principals are gone, and AWS shows their ids: ${where}. Take them out of the key policy by hand; no write of the policy is possible until then.`;
  }
  const people = [...new Set(named.flatMap(({ principals }) => principals))]
    .filter(name => /^AWS:arn:/.test(name) && wholeAccount(name.slice(4)) === undefined)
    .map(name => name.slice(4));
  return `One of these principals of the key policy does not exist, or is too new for AWS to know everywhere: ${people.join(', ') || 'see the key policy'}.`;
}
