/**
 * The spool: additions that were made while the journal could not be used, one JSON line each, until a later
 * run can journal them (DESIGN.md §3, invariant 8).
 */
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type Cidr, parseCidr } from '../address/cidr.ts';
import { redactSecrets } from '../secret.ts';
import { beginGraceAnew } from './grace.ts';
import type { Journal, WriteRecord } from './journal.ts';
import { appendDurably, readTaken, removeTaken, takeFiles } from './spool-files.ts';

export type SpooledWrite = Omit<WriteRecord, 'id'>;

const cidr = z.string().transform(text => parseCidr(text) as Cidr);
const line = z.object({
  version: z.literal(1),
  gateId: z.string(),
  gateName: z.string(),
  kind: z.enum(['add', 'restore', 'withdraw']),
  before: z.array(cidr),
  target: z.array(cidr),
  after: z.array(cidr),
  planChecksum: z.string(),
  by: z.string(),
  reason: z.string(),
  atMs: z.number(),
  finishedAtMs: z.number(),
});
type SpooledLine = z.infer<typeof line>;

/** Where a spool may be: beside the journal, or, when that place is the trouble, in the system's directory. */
export function spoolPaths(journalPath: string): readonly string[] {
  const user = process.getuid?.() ?? 'user';
  return [join(dirname(journalPath), 'spool.jsonl'), join(tmpdir(), `postern-spool-${user}.jsonl`)];
}

/** Keeps one finished addition, on disk when it returns. Throws when no path can be written. */
export function appendToSpool(paths: readonly string[], write: SpooledWrite): void {
  const json = lineOf(write);
  const faults: string[] = [];
  for (const path of paths) {
    try {
      // It starts a line of its own, so that one that a crash tore does not swallow it.
      appendDurably(path, `\n${json}\n`);
      return;
    } catch (error) {
      faults.push(`${path}: ${messageOf(error)}`);
    }
  }
  throw new Error(`The addition could not be kept for the journal either (${faults.join('; ')})`);
}

function lineOf(write: SpooledWrite): string {
  return JSON.stringify({ version: 1, ...write, reason: redactSecrets(write.reason) });
}

export interface DrainOptions {
  readonly onFault?: (message: string) => void;
  readonly kept?: readonly SpooledWrite[] | undefined;
}

/**
 * Journals what was spooled, oldest first, and then removes the files. A line that cannot be read, torn by a
 * crash for one, is kept aside in `*.unread` rather than lost. Interrupted at any point, it is done again by a
 * later run, and nothing is journalled twice.
 *
 * @param options `onFault` is told of a spool that cannot be read or trusted; it stays where it is. `kept`: additions
 *   that no path could be written with, from the memory of who made them
 * @returns how many additions were journalled
 * @throws only what the journal throws; the spool is kept then
 */
export async function drainSpool(
  paths: readonly string[],
  journal: Journal,
  { onFault = () => {}, kept = [] }: DrainOptions = {},
): Promise<number> {
  const taken = paths.flatMap(path => takeFiles(path, onFault));
  try {
    const files = taken.flatMap(file => {
      const text = attemptFile(() => readTaken(file), onFault);
      return text === undefined ? [] : [{ file, ...readLines(text) }];
    });
    const inMemory = readLines(kept.map(lineOf).join('\n')).writes;
    const writes = [...files.flatMap(each => each.writes), ...inMemory].sort((a, b) => a.atMs - b.atMs);
    let count = 0;
    for (const write of writes) if (await importWrite(journal, write)) count++;
    for (const { file, unread } of files) {
      attemptFile(() => {
        if (unread.length > 0) keepAside(file.path, unread, onFault);
        removeTaken(file);
      }, onFault);
    }
    return count;
  } finally {
    for (const file of taken) file.letGo();
  }
}

function keepAside(path: string, lines: readonly string[], onFault: (message: string) => void): void {
  appendDurably(`${path}.unread`, `\n${lines.join('\n')}\n`);
  onFault(`${lines.length} lines of the spool ${path} cannot be read; they are kept in ${path}.unread.`);
}

/** A fault of a file is not one of the journal: it is told, and the file is there for the next run. */
function attemptFile<T>(work: () => T, onFault: (message: string) => void): T | undefined {
  try {
    return work();
  } catch (error) {
    onFault(`The spool cannot be journalled: ${messageOf(error)}`);
    return undefined;
  }
}

/** How far back a write that was imported already is looked for. */
const recentWrites = 1_000;

/** False when it is in the journal already: an earlier run was interrupted after it. */
async function importWrite(journal: Journal, write: SpooledLine): Promise<boolean> {
  const { gateId, finishedAtMs, after } = write;
  const known = await journal.writes({ gateId, limit: recentWrites });
  const same = known.find(
    each =>
      each.kind === write.kind &&
      each.atMs === write.atMs &&
      each.planChecksum === write.planChecksum &&
      each.by === write.by,
  );
  if (same && same.outcome !== null) return false;
  const id = same?.id ?? (await journal.beginWrite(write));
  if (known.some(each => each !== same && each.atMs > write.atMs)) {
    // The list has changed since: what others wrote later must stay theirs, so only the gain is recorded.
    const before = new Set(write.before);
    const now = new Set(after);
    const gained = write.target.filter(each => !before.has(each) && now.has(each));
    await journal.adopt(gateId, gained, finishedAtMs);
    await journal.finishWrite(id, { outcome: 'applied', after: null, atMs: finishedAtMs });
  } else {
    await journal.finishWrite(id, { outcome: 'applied', after, atMs: finishedAtMs });
  }
  if (write.kind === 'restore') await restartGraceOf(journal, write);
  return true;
}

/** What was put back is in grace again; without a journal that could not be noted. */
async function restartGraceOf(journal: Journal, { gateId, before, target, finishedAtMs }: SpooledLine) {
  const known = new Set(before);
  const putBack = target.filter(cidr => !known.has(cidr));
  await beginGraceAnew(journal, gateId, putBack, finishedAtMs);
}

function readLines(text: string): {
  readonly writes: readonly SpooledLine[];
  readonly unread: readonly string[];
} {
  const writes: SpooledLine[] = [];
  const unread: string[] = [];
  for (const each of text.split('\n').filter(Boolean)) {
    const write = parse(each);
    if (write) writes.push(write);
    else unread.push(each);
  }
  return { writes, unread };
}

function parse(text: string): SpooledLine | undefined {
  try {
    return line.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
