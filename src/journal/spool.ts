/**
 * The spool: additions that were made while the journal could not be used, one JSON line each, until a later
 * run can journal them (DESIGN.md §3, invariant 8).
 */
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type Cidr, parseCidr } from '../address/cidr.ts';
import type { Journal, WriteRecord } from './journal.ts';

const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;

export type SpooledWrite = Omit<WriteRecord, 'id'>;

const cidr = z.string().transform(text => parseCidr(text) as Cidr);
const line = z.object({
  version: z.literal(1),
  gateId: z.string(),
  gateName: z.string(),
  kind: z.enum(['add', 'restore']),
  before: z.array(cidr),
  target: z.array(cidr),
  after: z.array(cidr),
  planChecksum: z.string(),
  by: z.string(),
  reason: z.string(),
  atMs: z.number(),
  finishedAtMs: z.number(),
});

/** Where a spool may be: beside the journal, or, when that place is the trouble, in the system's directory. */
export function spoolPaths(journalPath: string): readonly string[] {
  const user = process.getuid?.() ?? 'user';
  return [join(dirname(journalPath), 'spool.jsonl'), join(tmpdir(), `postern-spool-${user}.jsonl`)];
}

/** Keeps one finished addition, on disk when it returns. Throws when no path can be written. */
export function appendToSpool(paths: readonly string[], write: SpooledWrite): void {
  const text = `${JSON.stringify({ version: 1, ...write })}\n`;
  const faults: string[] = [];
  for (const path of paths) {
    try {
      appendDurably(path, text);
      return;
    } catch (error) {
      faults.push(`${path}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new Error(`The addition could not be kept for the journal either (${faults.join('; ')})`);
}

/**
 * Journals what was spooled, oldest first, and removes the file. A line that cannot be read, torn by a crash
 * for one, is kept aside in `*.unread` rather than lost.
 *
 * @returns how many additions were journalled
 */
export async function drainSpool(paths: readonly string[], journal: Journal): Promise<number> {
  let count = 0;
  for (const path of paths) {
    if (!existsSync(path)) continue;
    // Renamed first, so that another process that spools meanwhile starts a new file.
    const taken = `${path}.${process.pid}`;
    renameSync(path, taken);
    const unread: string[] = [];
    for (const text of readFileSync(taken, 'utf8').split('\n').filter(Boolean)) {
      const write = parse(text);
      if (!write) {
        unread.push(text);
        continue;
      }
      const id = await journal.beginWrite(write);
      await journal.finishWrite(id, { outcome: 'applied', after: write.after, atMs: write.finishedAtMs });
      count++;
    }
    if (unread.length > 0) appendDurably(`${path}.unread`, `${unread.join('\n')}\n`);
    rmSync(taken);
  }
  return count;
}

function parse(text: string): z.infer<typeof line> | undefined {
  try {
    return line.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function appendDurably(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Not through a symbolic link: the system's directory is everyone's.
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | (O_NOFOLLOW ?? 0), 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
