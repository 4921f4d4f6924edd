/**
 * The blocks that are not ordinary global unicast addresses, from IANA's registries as of 2026:
 * https://www.iana.org/assignments/iana-ipv4-special-registry,
 * https://www.iana.org/assignments/iana-ipv6-special-registry,
 * https://www.iana.org/assignments/multicast-addresses and
 * https://www.iana.org/assignments/ipv6-address-space.
 *
 * "Globally reachable: N/A" in a registry counts as not global here.
 */
const registries = {
  v4: 'IANA IPv4 Special-Purpose Address Registry',
  v6: 'IANA IPv6 Special-Purpose Address Registry',
  v4multicast: 'IANA IPv4 Multicast Address Space Registry',
  v6space: 'IANA IPv6 Address Space Registry',
} as const;

export interface SpecialPurpose {
  readonly block: string;
  readonly name: string;
  /** The registry and the RFC. */
  readonly source: string;
}

const from = (registry: keyof typeof registries, rows: readonly (readonly [string, string, string])[]) =>
  rows.map(
    ([block, name, rfc]): SpecialPurpose => ({ block, name, source: `${registries[registry]}, ${rfc}` }),
  );

/** Not globally reachable, but for what `globalExceptions` takes out again. */
export const notGlobal: readonly SpecialPurpose[] = [
  ...from('v4', [
    ['0.0.0.0/8', 'this network', 'RFC 791 section 3.2'],
    ['0.0.0.0/32', 'this host on this network', 'RFC 1122 section 3.2.1.3'],
    ['10.0.0.0/8', 'private use', 'RFC 1918'],
    ['100.64.0.0/10', 'shared address space', 'RFC 6598'],
    ['127.0.0.0/8', 'loopback', 'RFC 1122 section 3.2.1.3'],
    ['169.254.0.0/16', 'link-local', 'RFC 3927'],
    ['172.16.0.0/12', 'private use', 'RFC 1918'],
    ['192.0.0.0/24', 'IETF protocol assignments', 'RFC 6890 section 2.1'],
    ['192.0.0.0/29', 'IPv4 service continuity prefix', 'RFC 7335'],
    ['192.0.0.8/32', 'IPv4 dummy address', 'RFC 7600'],
    ['192.0.0.170/32', 'NAT64/DNS64 discovery', 'RFC 8880'],
    ['192.0.0.171/32', 'NAT64/DNS64 discovery', 'RFC 8880'],
    ['192.0.2.0/24', 'documentation (TEST-NET-1)', 'RFC 5737'],
    ['192.88.99.0/24', 'deprecated 6to4 relay anycast', 'RFC 7526'],
    ['192.88.99.2/32', '6a44 relay anycast', 'RFC 6751'],
    ['192.168.0.0/16', 'private use', 'RFC 1918'],
    ['198.18.0.0/15', 'benchmarking', 'RFC 2544'],
    ['198.51.100.0/24', 'documentation (TEST-NET-2)', 'RFC 5737'],
    ['203.0.113.0/24', 'documentation (TEST-NET-3)', 'RFC 5737'],
    ['240.0.0.0/4', 'reserved', 'RFC 1112 section 4'],
    ['255.255.255.255/32', 'limited broadcast', 'RFC 919 section 7'],
  ]),
  ...from('v4multicast', [['224.0.0.0/4', 'multicast', 'RFC 5771']]),
  ...from('v6', [
    ['::/128', 'unspecified address', 'RFC 4291 section 2.5.2'],
    ['::1/128', 'loopback', 'RFC 4291 section 2.5.3'],
    ['::ffff:0.0.0.0/96', 'IPv4-mapped', 'RFC 4291 section 2.5.5.2'],
    // The registry calls it globally reachable, but each address stands for an IPv4 one, which is what to write.
    ['64:ff9b::/96', 'IPv4-IPv6 translation', 'RFC 6052'],
    ['64:ff9b:1::/48', 'local-use IPv4-IPv6 translation', 'RFC 8215'],
    ['100::/64', 'discard-only', 'RFC 6666'],
    ['100:0:0:1::/64', 'dummy prefix', 'RFC 9780'],
    ['2001::/23', 'IETF protocol assignments', 'RFC 2928'],
    ['2001::/32', 'Teredo', 'RFC 4380'],
    ['2001:2::/48', 'benchmarking', 'RFC 5180'],
    ['2001:10::/28', 'deprecated ORCHID', 'RFC 4843'],
    ['2001:db8::/32', 'documentation', 'RFC 3849'],
    ['2002::/16', '6to4', 'RFC 3056'],
    ['3fff::/20', 'documentation', 'RFC 9637'],
    ['5f00::/16', 'segment routing (SRv6) SIDs', 'RFC 9602'],
    ['fc00::/7', 'unique local', 'RFC 4193'],
    ['fe80::/10', 'link-local', 'RFC 4291 section 2.5.6'],
  ]),
  ...from('v6space', [
    ['ff00::/8', 'multicast', 'RFC 4291 section 2.7'],
    ['fec0::/10', 'deprecated site-local', 'RFC 3879'],
    ['::/96', 'deprecated IPv4-compatible', 'RFC 4291 section 2.5.5.1'],
    // Together with 2000::/3, the global unicast space, these three are everything.
    ['::/3', 'outside of global unicast 2000::/3', 'RFC 4291 section 2.4'],
    ['4000::/2', 'outside of global unicast 2000::/3', 'RFC 4291 section 2.4'],
    ['8000::/1', 'outside of global unicast 2000::/3', 'RFC 4291 section 2.4'],
  ]),
];

/** Inside of a block above, and yet "Globally reachable: True" in the registries. */
export const globalExceptions: readonly SpecialPurpose[] = [
  ...from('v4', [
    ['192.0.0.9/32', 'port control protocol anycast', 'RFC 7723'],
    ['192.0.0.10/32', 'TURN anycast', 'RFC 8155'],
  ]),
  ...from('v6', [
    ['2001:1::1/128', 'port control protocol anycast', 'RFC 7723'],
    ['2001:1::2/128', 'TURN anycast', 'RFC 8155'],
    ['2001:1::3/128', 'DNS-SD service registration anycast', 'RFC 9665'],
    ['2001:3::/32', 'AMT', 'RFC 7450'],
    ['2001:4:112::/48', 'AS112', 'RFC 7535'],
    ['2001:20::/28', 'ORCHIDv2', 'RFC 7343'],
    ['2001:30::/28', 'drone remote ID entity tags', 'RFC 9374'],
  ]),
];
