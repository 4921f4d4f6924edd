/** A key policy in the form in which KMS gives it back, as recorded: Jackson's `{ "a" : [ "b" ] }`. */
import type { AwsBehaviour } from './behaviour.ts';
import { type PolicyDocument, statementMembers } from './policy-document.ts';

/** Pure. The members of a statement come in KMS's own order. */
export function writePolicy({ Version, Id, Statement }: PolicyDocument, behaviour: AwsBehaviour): string {
  const statements = Statement.map(statement =>
    Object.fromEntries(
      statementMembers.flatMap(name =>
        statement[name] === undefined ? [] : [[name, arranged(statement[name], behaviour)]],
      ),
    ),
  );
  return pretty({ ...(Version && { Version }), ...(Id !== undefined && { Id }), Statement: statements }, 0);
}

function arranged(value: unknown, behaviour: AwsBehaviour): unknown {
  if (Array.isArray(value)) {
    if (value.length === 1 && behaviour.listsOfOne === 'unwrap') return value[0];
    return behaviour.listOrder === 'sorted' ? value.toSorted() : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, arranged(item, behaviour)]));
}

/** Only objects indent; lists stand in their line. */
function pretty(value: unknown, depth: number): string {
  if (Array.isArray(value)) {
    return value.length === 0 ? '[ ]' : `[ ${value.map(item => pretty(item, depth)).join(', ')} ]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value);
  if (entries.length === 0) return '{ }';
  const indent = '  '.repeat(depth + 1);
  const lines = entries.map(
    ([name, item]) => `${indent}${JSON.stringify(name)} : ${pretty(item, depth + 1)}`,
  );
  return `{\n${lines.join(',\n')}\n${'  '.repeat(depth)}}`;
}
