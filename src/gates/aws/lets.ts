/** What a judgement of the policies means in the words of a gate. Pure. */
import type { Cidr } from '../../address/cidr.ts';
import type { Finding } from '../../finding.ts';
import type { Decision, Lets } from '../gate.ts';
import { atlasActions, type Judge } from './judge.ts';

/** What becomes of calls from a block that is listed; one that is let in only in parts is shut out. */
export function decisionOf(listed: Judge, cidr: Cidr): Decision {
  const access = listed.of(cidr);
  if (access === 'unknown') return 'unknown';
  return access === 'allowed' ? 'let-in' : 'shut-out';
}

/** Why the list does not let in what it holds. */
export function shutOutFindings(lets: Lets, listed: Judge, entries: readonly Cidr[]): readonly Finding[] {
  if (lets === 'nobody') return [nobody(listed)];
  const shutOut = entries.filter(cidr => decisionOf(listed, cidr) === 'shut-out');
  if (shutOut.length > 0) {
    return [
      {
        id: 'listed-but-shut-out',
        severity: 'error',
        message: `${shutOut.length} addresses of the list are shut out by another statement of the role's or the key's policies, ${shutOut[0]} among them.`,
        remedy:
          'Look for a Deny with addresses, or an Allow that the key policy limits to some: it must let in what the list holds.',
      },
    ];
  }
  if (lets !== 'unknown') return [];
  return [
    {
      id: 'access-not-known',
      severity: 'warning',
      message:
        'Whether the policies let the listed addresses use the key cannot be told: some could not be read, hold conditions that Postern does not evaluate, or another list decides.',
      remedy: 'See the other findings, and what Atlas says: `valid` of its encryption at rest.',
    },
  ];
}

function nobody(listed: Judge): Finding {
  const shut = atlasActions.filter(action => listed.ofEveryone([action]) === 'denied');
  const what = shut.length > 0 ? ` (${shut.join(', ')})` : '';
  return {
    id: 'nobody-let-in',
    severity: 'error',
    message: `The policies of the key and of the role let the role use the key from no address, whatever the list holds${what}.`,
    remedy:
      "The key's policy must allow the role, or leave the decision to the role's account (its :root) while a policy of the role allows it; and no Deny may hit it.",
  };
}
