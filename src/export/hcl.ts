/** Writes Terraform's language in the form that `terraform fmt` leaves as it is. Pure. */

/** Text that stands as it is: a reference such as `var.project_id`. */
export class Expression {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A function of one argument, such as `jsonencode({…})`. */
export class Call {
  readonly name: string;
  readonly argument: Hcl;

  constructor(name: string, argument: Hcl) {
    this.name = name;
    this.argument = argument;
  }
}

/** A block within a block; several of one name stand one after another. */
export class Blocks {
  readonly bodies: readonly HclBody[];

  constructor(...bodies: readonly HclBody[]) {
    this.bodies = bodies;
  }
}

export type Hcl =
  | string
  | number
  | boolean
  | readonly Hcl[]
  | { readonly [key: string]: Hcl }
  | Expression
  | Call;
export interface HclBody {
  readonly [name: string]: Hcl | Blocks;
}

/** Such as `resource "aws_iam_role_policy" "atlas" { … }`, without a newline at its end. */
export function hclBlock(type: string, labels: readonly string[], body: HclBody): string {
  return [[type, ...labels.map(quoted)].join(' '), ' {\n', bodyLines(body, '  '), '}'].join('');
}

function bodyLines(body: HclBody, indent: string): string {
  const parts: string[] = [];
  let attributes: [string, Hcl][] = [];
  const flush = () => {
    if (attributes.length > 0) parts.push(items(attributes, indent, ''));
    attributes = [];
  };
  for (const [name, value] of Object.entries(body)) {
    if (!(value instanceof Blocks)) {
      attributes.push([name, value]);
      continue;
    }
    flush();
    for (const inner of value.bodies) {
      parts.push(`${indent}${name} {\n${bodyLines(inner, `${indent}  `)}${indent}}\n`);
    }
  }
  flush();
  return parts.join('\n');
}

/** The equals signs of lines that follow each other, and hold a whole value each, stand below each other. */
function items(entries: readonly (readonly [string, Hcl])[], indent: string, separator: string): string {
  const rendered = entries.map(([name, value]) => ({ name, text: render(value, indent) }));
  const isWhole = ({ text }: { text: string }) => !text.includes('\n');
  return rendered
    .map((item, index) => {
      if (!isWhole(item)) return `${indent}${item.name} = ${item.text}${separator}\n`;
      let first = index;
      let last = index;
      while (first > 0 && isWhole(rendered[first - 1]!)) first--;
      while (last + 1 < rendered.length && isWhole(rendered[last + 1]!)) last++;
      const width = Math.max(...rendered.slice(first, last + 1).map(({ name }) => name.length));
      return `${indent}${item.name.padEnd(width)} = ${item.text}${separator}\n`;
    })
    .join('');
}

function render(value: Hcl, indent: string): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value instanceof Expression) return value.text;
  if (value instanceof Call) return `${value.name}(${render(value.argument, indent)})`;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const list = value as readonly Hcl[];
    if (list.length === 0) return '[]';
    const texts = list.map(each => render(each, inner));
    if (texts.length === 1 && !texts[0]!.includes('\n')) return `[${texts[0]}]`;
    return `[\n${texts.map(text => `${inner}${text},\n`).join('')}${indent}]`;
  }
  const entries = Object.entries(value as { readonly [key: string]: Hcl });
  if (entries.length === 0) return '{}';
  return `{\n${items(
    entries.map(([name, each]) => [/^[A-Za-z_][\w-]*$/.test(name) ? name : quoted(name), each] as const),
    inner,
    '',
  )}${indent}}`;
}

/** A dollar or percent sign before a brace begins a template, unless it is doubled. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(/[$%](?=\{)/g, sign => sign + sign);
}
