/** The bytes that CIDR text is made of. */
export const ascii = {
  lineFeed: 0x0a,
  dot: 0x2e,
  slash: 0x2f,
  zero: 0x30,
  colon: 0x3a,
  lowerA: 0x61,
} as const;
