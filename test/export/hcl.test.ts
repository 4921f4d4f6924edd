import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Blocks, Call, Expression, type Hcl, hclBlock } from '../../src/export/hcl.ts';
import { describeTerraform, fmtFaults, folderWith, terraform } from './terraform.ts';

test('a block', () => {
  const text = hclBlock('resource', ['a', 'b'], {
    name: 'x',
    longer_name: new Expression('var.y'),
    rules: ['1', '2'],
    inner: new Blocks({ a: 1 }, { a: 2 }),
    last: new Call('jsonencode', { 'aws:SourceIp': true, b: {} }),
  });
  expect(text).toBe(`resource "a" "b" {
  name        = "x"
  longer_name = var.y
  rules = [
    "1",
    "2",
  ]

  inner {
    a = 1
  }

  inner {
    a = 2
  }

  last = jsonencode({
    "aws:SourceIp" = true
    b              = {}
  })
}`);
});

test.each(['$', '%'])('a text with %s{ begins no template', sign => {
  const text = `${sign}{file("x")}`;
  expect(hclBlock('locals', [], { a: text })).toContain(String.raw`"${sign}${sign}{file(\"x\")}"`);
});

const key = fc.oneof(fc.stringMatching(/^[a-z_]{1,12}$/), fc.string({ maxLength: 10 }));
const value = fc.letrec<{ value: Hcl }>(tie => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string(),
    fc.stringMatching(/^[$%{}"a]{1,6}$/),
    fc.integer(),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
})).value;

describeTerraform('as Terraform reads it', () => {
  test('any value comes back as it was, and stays as it is formatted', { timeout: 60_000 }, () => {
    const values = fc.sample(value, { numRuns: 60, seed: 7 });
    const names = values.map((_, index) => `v${index}`);
    const text = values
      .map(
        (each, index) => `${hclBlock('output', [names[index]!], { value: new Call('jsonencode', each) })}\n`,
      )
      .join('\n');
    expect(fmtFaults(text)).toBe('');
    const folder = folderWith({ 'main.tf': text });
    const { status, stderr } = terraform(folder, ['apply', '-auto-approve', '-no-color']);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const outputs = JSON.parse(terraform(folder, ['output', '-json']).stdout);
    for (const [index, name] of names.entries()) {
      expect(JSON.parse(outputs[name].value)).toEqual(JSON.parse(JSON.stringify(values[index])));
    }
  });
});
