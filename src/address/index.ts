/** CIDR parsing, canonical form, sets and classification. Pure: no I/O, no dependency. */
export * from './address.ts';
export { AddressSet } from './address-set.ts';
export {
  type Cidr,
  CidrError,
  compareCidrs,
  type Family,
  familyOf,
  type ParseOptions,
  type ParseResult,
  parseCidr,
  prefixLengthOf,
  tryParseCidr,
} from './cidr.ts';
export { type Classification, classify, neverWrittenReason } from './classify.ts';
