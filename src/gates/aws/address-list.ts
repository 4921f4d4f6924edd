/** The list of `aws:SourceIp` in the statement that is ours: kept as it is written, told as blocks. */
import { type Cidr, compareCidrs, tryParseCidr } from '../../address/cidr.ts';
import { neverWrittenReason } from '../../address/classify.ts';
import type { Finding } from '../../finding.ts';
import { GateError } from '../gate.ts';
import { readBlock, readBlocks } from './condition.ts';

/** The entries of a list as its gate tells them: no duplicates, in the list's own order. */
export function entriesOf(values: readonly string[]): readonly Cidr[] {
  return readBlocks(values).cidrs;
}

/** What stays, as it was written and in its order, what is no address block too; and then what is new. Pure. */
export function valuesFor(values: readonly string[], next: readonly Cidr[]): readonly string[] {
  const wanted = new Set(next);
  const read = values.map(value => ({ value, block: readBlock(value) }));
  const kept = read.filter(({ block }) => block === undefined || wanted.has(block)).map(({ value }) => value);
  const present = new Set(read.map(({ block }) => block));
  return [...kept, ...next.filter(cidr => !present.has(cidr)).sort(compareCidrs)];
}

/** The gate's own look at a list, whatever made it (DESIGN.md §3, invariant 5). Throws a GateError. */
export function refuseUnfit(gate: string, next: readonly Cidr[], present: readonly Cidr[]): void {
  const refuse = (what: string) => {
    throw new GateError(gate, `${what} Nothing was written.`, {
      remedy: 'This is a defect in Postern: please report it.',
    });
  };
  if (next.length === 0) refuse('The list would be empty.');
  const known = new Set(present);
  for (const cidr of next) {
    if (known.has(cidr)) continue;
    const reason = neverWrittenReason(cidr);
    if (reason !== undefined) refuse(`${cidr} is never written: ${reason}.`);
  }
}

/** What a person should know of the list's values. Pure. */
export function listFindings(values: readonly string[]): readonly Finding[] {
  return values.flatMap(valueFindings);
}

function valueFindings(value: string): readonly Finding[] {
  const parsed = tryParseCidr(value, { bare: 'host', hostBits: 'mask' });
  if (!parsed.ok) {
    return [
      {
        id: 'rule-not-understood',
        severity: 'warning',
        message: `The list has a value ${JSON.stringify(value.slice(0, 80))} that is no address block; it is kept as it is.`,
      },
    ];
  }
  const reason = neverWrittenReason(parsed.cidr);
  return [
    ...(parsed.masked
      ? [
          {
            id: 'host-bits',
            severity: 'info' as const,
            message: `The list's value ${value} has host bits set; it is read as ${parsed.cidr} and kept as it is.`,
          },
        ]
      : []),
    ...(reason === undefined
      ? []
      : [
          {
            id: 'questionable-rule',
            severity: 'warning' as const,
            message: `The list lets in ${parsed.cidr}, which Postern would never write: ${reason}.`,
            remedy: "It is someone else's, and is left alone; see whether it is needed.",
          },
        ]),
  ];
}

export function sameEntries(a: readonly Cidr[], b: readonly Cidr[]): boolean {
  const set = new Set(a);
  return set.size === new Set(b).size && b.every(cidr => set.has(cidr));
}
