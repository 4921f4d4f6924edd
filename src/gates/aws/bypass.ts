/** Who gets past a list: statements that let the role's calls in from anywhere, or from other addresses. Pure. */
import { AddressSet } from '../../address/address-set.ts';
import { type Cidr, parseCidr } from '../../address/cidr.ts';
import type { Finding } from '../../finding.ts';
import { type AtlasAction, atlasActions, type Judge } from './judge.ts';

const anywhere = parseCidr('0.0.0.0/0');

/** @param beside judges what is there without the list */
export function bypassFindings(beside: Judge, entries: readonly Cidr[]): readonly Finding[] {
  const open = atlasActions.filter(action => beside.ofEveryone([action]) === 'allowed');
  if (open.length > 0) return [bypass(beside, open)];
  const unknown = atlasActions.some(action => beside.ofEveryone([action]) === 'unknown');
  const others = beside.allowed().difference(AddressSet.of(entries));
  return [
    ...(others.isEmpty ? [] : [letInBeside(beside, others)]),
    ...(unknown
      ? [
          {
            id: 'bypass-not-known',
            severity: 'info' as const,
            message:
              'Whether calls can get past the list cannot be told: something is not read, or has conditions that Postern does not evaluate.',
          },
        ]
      : []),
  ];
}

function bypass(beside: Judge, open: readonly AtlasAction[]): Finding {
  const statements = new Set(open.flatMap(action => beside.because(anywhere, action)));
  const by = statements.size === 0 ? 'several statements together' : [...statements].join(', ');
  return {
    id: 'bypass',
    severity: 'error',
    message: `The role may call ${open.join(', ')} from any address, past the list: by ${by}.`,
    remedy:
      'When every address of Atlas is in the list (postern check), take the role out of that statement, or add an aws-key-policy gate, whose Deny wins over every Allow.',
  };
}

function letInBeside(beside: Judge, others: AddressSet): Finding {
  const [first] = others.toCidrs();
  const by = beside.because(first!, 'kms:Decrypt').join(', ');
  return {
    id: 'let-in-beside',
    severity: 'warning',
    message: `${others.size} addresses that are not in the list may use the key as well, ${first} among them${by === '' ? '' : `: by ${by}`}.`,
    remedy: 'Once the list holds what Atlas needs (postern check), that statement is needed no more.',
  };
}
