/**
 * Judges what AWS's protocols carry by a Smithy model: members, types, what is required, patterns, lengths,
 * ranges and enums. A member that the model lacks is a fault.
 */
export interface SmithyModel {
  readonly shapes: Readonly<Record<string, any>>;
}

/** XML or a form, read without a model: texts, and members by name, more than one where a name repeats. */
export type Tree = string | { readonly [name: string]: readonly Tree[] };

const prelude: Readonly<Record<string, any>> = {
  'smithy.api#Boolean': { type: 'boolean' },
  'smithy.api#Integer': { type: 'integer' },
  'smithy.api#String': { type: 'string' },
  'smithy.api#Timestamp': { type: 'timestamp' },
  'smithy.api#Unit': { type: 'structure', members: {} },
};

export function shapeOf({ shapes }: SmithyModel, id: string): any {
  const shape = shapes[id] ?? prelude[id];
  if (!shape) throw new Error(`the model has no shape ${id}`);
  return shape;
}

/** @returns a sentence for each fault, with its place; none when the value is as the model says. */
export function faultsOf(model: SmithyModel, id: string, value: unknown, place = '$'): readonly string[] {
  const shape = shapeOf(model, id);
  const traits = shape.traits ?? {};
  switch (shape.type) {
    case 'structure': {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        return [`${place} is no object`];
      const members: [string, any][] = Object.entries(shape.members);
      const missing = members
        .filter(([name, member]) => member.traits?.['smithy.api#required'] && !(name in value))
        .map(([name]) => `${place}.${name} is missing`);
      const others = Object.entries(value).flatMap(([name, item]) =>
        shape.members[name]
          ? faultsOf(model, shape.members[name].target, item, `${place}.${name}`)
          : [`${place}.${name} is not described`],
      );
      return [...missing, ...others];
    }
    case 'list':
      if (!Array.isArray(value)) return [`${place} is no list`];
      return value.flatMap((item, i) => faultsOf(model, shape.member.target, item, `${place}[${i}]`));
    case 'string':
      return typeof value === 'string' ? textFaults(traits, value, place) : [`${place} is no text`];
    case 'enum': {
      const values = Object.values<any>(shape.members).map(({ traits }) => traits['smithy.api#enumValue']);
      return values.includes(value) ? [] : [`${place} is none of ${values}`];
    }
    case 'boolean':
      return typeof value === 'boolean' ? [] : [`${place} is no boolean`];
    case 'integer': {
      const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } =
        traits['smithy.api#range'] ?? {};
      return Number.isInteger(value) && Number(value) >= min && Number(value) <= max
        ? []
        : [`${place} is no integer from ${min} to ${max}`];
    }
    case 'timestamp':
      return typeof value === 'number' ? [] : [`${place} is no timestamp`];
    default:
      throw new Error(`this validator does not know the type ${shape.type}`);
  }
}

function textFaults(traits: any, text: string, place: string): readonly string[] {
  const { min = 0, max = Number.POSITIVE_INFINITY } = traits['smithy.api#length'] ?? {};
  const pattern = traits['smithy.api#pattern'];
  return [
    ...(text.length < min || text.length > max ? [`${place} is not ${min} to ${max} characters long`] : []),
    ...(pattern !== undefined && !new RegExp(pattern, 'u').test(text)
      ? [`${place} does not match ${pattern}`]
      : []),
  ];
}

/** The value that a tree of the Query protocol means, by its shape: lists by `member`, scalars from texts. */
export function meaningOf(model: SmithyModel, id: string, tree: Tree): unknown {
  const shape = shapeOf(model, id);
  if (shape.type === 'structure') {
    if (typeof tree === 'string') return tree.trim() === '' ? {} : tree;
    return Object.fromEntries(
      Object.entries(tree).map(([name, trees]) => {
        const target = shape.members[name]?.target;
        const single = trees.length === 1 ? trees[0]! : { more: trees };
        return [name, target === undefined ? single : meaningOf(model, target, single)];
      }),
    );
  }
  if (shape.type === 'list') {
    if (typeof tree === 'string') return tree.trim() === '' ? [] : tree;
    return (tree.member ?? []).map(item => meaningOf(model, shape.member.target, item));
  }
  if (typeof tree !== 'string') return tree;
  if (shape.type === 'boolean') return { true: true, false: false }[tree] ?? tree;
  if (shape.type === 'integer') return /^-?\d+$/.test(tree) ? Number(tree) : tree;
  if (shape.type === 'timestamp')
    return /^\d{4}-\d\d-\d\dT[\d:]{8}(\.\d+)?Z$/.test(tree) ? Date.parse(tree) : tree;
  return tree;
}

/** `Names.member.1=a` as a tree. */
export function treeOfForm(form: Iterable<readonly [string, string]>): Tree {
  const groups = new Map<string, [string, string][]>();
  for (const [name, value] of form) {
    const [, first = '', rest = ''] = /^([^.]+(?:\.\d+)?)(?:\.(.+))?$/.exec(name) ?? [];
    groups.set(first, [...(groups.get(first) ?? []), [rest, value]]);
  }
  const tree: Record<string, Tree[]> = {};
  for (const [name, entries] of groups) {
    const value = entries[0]![0] === '' ? entries[0]![1] : treeOfForm(entries);
    const member = name.replace(/\.\d+$/, '');
    tree[member] = [...(tree[member] ?? []), value];
  }
  return tree;
}

/** XML of elements and texts alone, as the Query protocol has it. Throws where it is not well-formed. */
export function treeOfXml(xml: string): {
  readonly name: string;
  readonly namespace: string;
  readonly tree: Tree;
} {
  const tokens = xml.trim().match(/<[^>]*>|[^<]+/g) ?? [];
  let at = 0;
  const read = (): { name: string; attributes: string; tree: Tree } => {
    const [, name = '', attributes = ''] = /^<([A-Za-z]+)( [^>]*)?>$/.exec(tokens[at++] ?? '') ?? [];
    if (name === '') throw new Error(`no element at token ${at}`);
    const members: Record<string, Tree[]> = {};
    let text = '';
    while (tokens[at] !== `</${name}>`) {
      if (at >= tokens.length) throw new Error(`<${name}> does not end`);
      if (tokens[at]!.startsWith('<')) {
        const child = read();
        members[child.name] = [...(members[child.name] ?? []), child.tree];
      } else text += tokens[at++];
    }
    at++;
    const isText = Object.keys(members).length === 0;
    if (!isText && text.trim() !== '') throw new Error(`<${name}> has both texts and elements`);
    return { name, attributes, tree: isText ? unescaped(text) : members };
  };
  const { name, attributes, tree } = read();
  if (at < tokens.length) throw new Error('there is more after the root element');
  return { name, namespace: /xmlns="([^"]*)"/.exec(attributes)?.[1] ?? '', tree };
}

function unescaped(text: string): string {
  return text.replaceAll(/&([^;]*);/g, (_, name: string) => {
    if (/^#\d+$/.test(name)) return String.fromCodePoint(Number(name.slice(1)));
    const known: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
    if (!known[name]) throw new Error(`no such entity: ${name}`);
    return known[name];
  });
}
