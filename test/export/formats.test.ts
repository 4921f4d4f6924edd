import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { AddressSet } from '../../src/address/address-set.ts';
import { type Cidr, parseCidr } from '../../src/address/cidr.ts';
import { type ExportFormat, exportFormats, exportList } from '../../src/export/formats.ts';
import { exportTarget } from '../../src/export/target.ts';
import { describeTerraform, fmtFaults, folderWith, terraform } from './terraform.ts';

const target = exportTarget();
const block = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 24 - 1 }), fc.integer({ min: 20, max: 32 }))
  .map(([low, prefix]) => {
    const address = ((0x2c << 24) | low) >>> 0;
    const text = [24, 16, 8, 0].map(shift => (address >>> shift) & 255).join('.');
    return parseCidr(`${text}/${prefix}`, { hostBits: 'mask' });
  });
const list = fc.uniqueArray(block, { minLength: 1, maxLength: 300 });

/** How each format is read by whom it is for. */
const readers: Readonly<Record<ExportFormat, (text: string) => readonly string[]>> = {
  'aws-role-policy': text => JSON.parse(text).Statement[0].Condition.IpAddress['aws:SourceIp'],
  'aws-key-policy': text => JSON.parse(text).Condition.NotIpAddress['aws:SourceIp'],
  'azure-cli': text => {
    const script = `az() { shift 3; while [ "$1" != --ip-address ]; do shift; done; shift; printf '%s\\n' "$@"; }\n${text}`;
    return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trim().split('\n');
  },
  bicep: text => [...text.matchAll(/^ {2}\{ value: '([^']+)' \}$/gm)].map(([, value]) => value!),
  gcloud: text =>
    (parseYaml(text) as { ipSubnetworks: string[] }[]).flatMap(({ ipSubnetworks }) => {
      expect(ipSubnetworks.length).toBeGreaterThan(0);
      expect(ipSubnetworks.length).toBeLessThanOrEqual(200);
      return ipSubnetworks;
    }),
  terraform: text => [...text.matchAll(/"([\d./]+)"/g)].map(([, value]) => value!),
  'terraform-json': text => JSON.parse(text).locals.atlas_addresses,
};

test.each(exportFormats)('%s holds the list, and merged the same addresses', format => {
  const runs = format === 'azure-cli' ? 10 : 60;
  fc.assert(
    fc.property(list, cidrs => {
      const plain = exportList(cidrs, format, target, { merge: false });
      if (!plain.ok) throw new Error(plain.message);
      const sameSet = AddressSet.of(readers[format](plain.text) as Cidr[]);
      expect(sameSet.toCidrs()).toEqual(AddressSet.of(cidrs).toCidrs());
      if (!plain.merged) expect(new Set(readers[format](plain.text))).toEqual(new Set(cidrs));
      const merged = exportList(cidrs, format, target, { merge: true });
      if (!merged.ok) throw new Error(merged.message);
      expect(readers[format](merged.text)).toEqual(AddressSet.of(cidrs).toCidrs());
    }),
    { numRuns: runs },
  );
});

test.each(exportFormats)('%s refuses an empty list', format => {
  expect(exportList([], format, target, { merge: false }).ok).toBe(false);
});

const spread = (count: number) =>
  Array.from({ length: count }, (_, index) => parseCidr(`44.${index >> 7}.${(index & 127) << 1}.1/32`));
const adjacent = (count: number) =>
  Array.from({ length: count }, (_, index) => parseCidr(`44.1.${index >> 8}.${index & 255}/32`));

test.each([
  ['aws-role-policy', 800],
  ['aws-key-policy', 3_000],
  ['azure-cli', 1_001],
  ['bicep', 1_001],
  ['gcloud', 8_001],
] as const)('%s merges a list that is too long, and says so when that does not help', (format, count) => {
  const fits = exportList(adjacent(count), format, target, { merge: false });
  expect(fits).toMatchObject({ ok: true, merged: true });
  expect(exportList(spread(count), format, target, { merge: false })).toMatchObject({ ok: false });
});

test.each(['azure-cli', 'bicep'] as const)('%s takes no IPv6', format => {
  const cidrs = [parseCidr('2600:1f00::/40')];
  expect(exportList(cidrs, format, target, { merge: false })).toMatchObject({ ok: false });
});

test('more than 200 blocks are several conditions, of which one must hold', () => {
  const exported = exportList(spread(450), 'gcloud', target, { merge: false });
  if (!exported.ok) throw new Error(exported.message);
  expect(exported.text).toContain('--combine-function=or');
  expect(parseYaml(exported.text)).toHaveLength(3);
});

describeTerraform('as Terraform reads it', () => {
  const cidrs = spread(380);
  const files = { terraform: 'main.tf', 'terraform-json': 'main.tf.json' } as const;
  test.each(['terraform', 'terraform-json'] as const)('%s is valid, and gives the list', format => {
    const exported = exportList(cidrs, format, target, { merge: false });
    if (!exported.ok) throw new Error(exported.message);
    if (format === 'terraform') expect(fmtFaults(`${exported.text}\n`)).toBe('');
    const folder = folderWith({
      [files[format]]: exported.text,
      'output.tf': 'output "list" {\n  value = local.atlas_addresses\n}\n',
    });
    expect(terraform(folder, ['validate', '-json']).stdout).toContain('"valid": true');
    expect(terraform(folder, ['apply', '-auto-approve']).status).toBe(0);
    expect(JSON.parse(terraform(folder, ['output', '-json', 'list']).stdout)).toEqual(exported.cidrs);
  });
});
