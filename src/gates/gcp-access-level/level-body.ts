/**
 * The only place where what is sent to a level is made. Here stands the rule that matters most: a condition
 * without `ipSubnetworks` lets in everyone, so that no such condition can be built, whoever asks for it.
 */

/** https://cloud.google.com/access-context-manager/quotas: items of a list, and conditions of a level. */
export const maxSubnetworks = 200;
export const maxConditions = 40;
export const maxEntries = maxSubnetworks * maxConditions;

export interface BasicBody {
  readonly combiningFunction?: 'OR';
  readonly conditions: readonly { readonly ipSubnetworks: readonly string[] }[];
}

/** A list that must never be sent. */
export class UnsendableListError extends Error {
  override readonly name = 'UnsendableListError';
}

/**
 * The level that lets in `subnetworks` and nobody else, in conditions of at most 200. Several conditions are OR-ed:
 * the default, AND, would let in nobody. Throws an `UnsendableListError` for a list that is empty, too long, or
 * holds what lets in everyone.
 */
export function basicBody(subnetworks: readonly string[]): BasicBody {
  if (subnetworks.length === 0) {
    throw new UnsendableListError('an access level with an empty list lets in everyone');
  }
  if (subnetworks.length > maxEntries) {
    throw new UnsendableListError(
      `${subnetworks.length} entries are more than the ${maxEntries} that a level holds`,
    );
  }
  const everyone = subnetworks.find(text => text.trim() === '' || /\/0*$/.test(text));
  if (everyone !== undefined) {
    throw new UnsendableListError(`${JSON.stringify(everyone)} in an access level lets in everyone`);
  }
  const conditions: { readonly ipSubnetworks: readonly string[] }[] = [];
  for (let from = 0; from < subnetworks.length; from += maxSubnetworks) {
    conditions.push({ ipSubnetworks: subnetworks.slice(from, from + maxSubnetworks) });
  }
  return conditions.length === 1 ? { conditions } : { combiningFunction: 'OR', conditions };
}
