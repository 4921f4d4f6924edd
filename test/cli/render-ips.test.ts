import { expect, test } from 'vitest';
import { type Address, type Provenance, parseCidr } from '../../src/address/index.ts';
import { type IpsFormat, renderIps } from '../../src/cli/ips/render.ts';
import { selectAddresses } from '../../src/cli/ips/select.ts';
import { Output } from '../../src/cli/output.ts';

function address(cidr: string, provenance: Partial<Provenance> = {}): Address {
  const usual = { feed: 'control-plane', direction: 'outbound', future: false } as const;
  return { cidr: parseCidr(cidr), provenance: { ...usual, ...provenance } };
}

function rendered(format: IpsFormat, addresses: readonly Address[]): string {
  let text = '';
  const stdout = { write: (part: string) => (text += part), on: () => {} };
  const stderr = { write: () => {}, on: () => {} };
  const output = new Output({ stdout, stderr, env: {}, json: false, quiet: true, color: false });
  renderIps(output, format, { addresses: selectAddresses(addresses, {}), observations: [] });
  return text;
}

test('sorted by family, number and prefix, each provenance once', () => {
  const list = ['20.0.0.0/24', '9.0.0.0/24', '2600::/32', '9.0.0.0/25', '9.0.0.0/24'].map(cidr =>
    address(cidr),
  );
  expect(rendered('text', list)).toBe('9.0.0.0/24\n9.0.0.0/25\n20.0.0.0/24\n2600::/32\n');
});

test('CSV quotes what must be quoted, and no name becomes a spreadsheet’s formula', () => {
  const list = [
    address('9.0.0.1/32', { feed: 'nodes:1', cluster: 'a,"b"\nc' }),
    address('9.0.0.2/32', { feed: 'nodes:1', cluster: '=HYPERLINK("x")' }),
    address('9.0.0.3/32', { feed: 'nodes:1', cluster: '-1+1', future: true }),
  ];
  expect(rendered('csv', list)).toBe(
    [
      'address,feed,direction,cloud,region,cluster,future',
      '9.0.0.1/32,nodes:1,outbound,,,"a,""b""\nc",',
      '9.0.0.2/32,nodes:1,outbound,,,"\'=HYPERLINK(""x"")",',
      "9.0.0.3/32,nodes:1,outbound,,,'-1+1,future",
      '',
    ].join('\n'),
  );
});

test('an empty list is valid in every format for programs', () => {
  expect(rendered('yaml', [])).toBe('atlas_addresses: []\n');
  expect(rendered('tfvars', [])).toBe('atlas_addresses = [\n]\n');
  expect(rendered('text', [])).toBe('');
  expect(JSON.parse(rendered('json', []))).toMatchObject({ addresses: [] });
});

test('the table shows only the columns that have something in them', () => {
  expect(
    rendered('table', [address('9.0.0.1/32', { cloud: 'aws', region: 'us-east-1' })]).split('\n'),
  ).toEqual([
    'Address     Feed           Direction  Cloud  Region',
    '9.0.0.1/32  control-plane  outbound   aws    us-east-1',
    '',
  ]);
});
