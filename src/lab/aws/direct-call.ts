/** What AWS knows of a call that comes straight over the public network: the context of a condition. */
import type { AddressSet } from '../../address/address-set.ts';
import type { Context } from './conditions.ts';
import { accountOf } from './directory.ts';

/** Never there in a call that comes straight over the public network. */
const absent = new Set([
  'aws:calledvia',
  'aws:calledviafirst',
  'aws:calledvialast',
  'aws:sourceaccount',
  'aws:sourcearn',
  'aws:sourcevpc',
  'aws:sourcevpce',
  'aws:vpcsourceip',
  'kms:grantisforawsresource',
  'kms:viaservice',
]);

/** What is known of a call that someone makes to a key's own region from the public network. */
export function directCall(
  callerArn: string,
  keyArn: string,
  addresses: AddressSet,
  facts: ReadonlyMap<string, readonly string[]>,
): Context {
  const account = accountOf(callerArn);
  const known: Readonly<Record<string, readonly string[] | AddressSet>> = {
    'aws:principalaccount': [account],
    'aws:principalarn': [callerArn],
    'aws:principalisawsservice': ['false'],
    'aws:requestedregion': [keyArn.split(':')[3]!],
    'aws:resourceaccount': [accountOf(keyArn)],
    'aws:securetransport': ['true'],
    'aws:sourceip': addresses,
    'aws:viaawsservice': ['false'],
    'kms:calleraccount': [account],
  };
  return key => {
    const fact = facts.get(key);
    if (fact) return fact;
    if (absent.has(key) || key.startsWith('aws:principaltag/')) return undefined;
    const value = known[key];
    if (value === undefined) throw new Error(`the lab does not know the condition key ${key}`);
    return value;
  };
}
