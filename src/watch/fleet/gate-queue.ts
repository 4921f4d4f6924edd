/** One job per gate, on pg-boss: what it is asked for, and nothing of what is done in a job. */
import type { PgBoss } from 'pg-boss';
import { parseDatabaseUrl } from '../../journal/postgres/address.ts';
import { explainPostgres } from '../../journal/postgres/explain.ts';
import type { Secret } from '../../secret.ts';
import type { RunReason } from '../events.ts';

/** pg-boss's own schema, beside the journal's. */
export const jobsSchema = 'postern_jobs';
const queue = 'gates';

/** pg-boss takes no less. A worker that is silent for so long has lost its job to the next one. */
const heartbeatSeconds = 10;
/** How often silent workers are looked for. */
const superviseSeconds = 2;
const pollSeconds = 1;
/** A run takes seconds, or minutes where a cloud is slow. */
const expireSeconds = 15 * 60;
/** Each crash of a worker is one retry: a gate is never given up. */
const retryLimit = 1_000_000;
/** Of jobs that are done; who did what stands in the journal. */
const keepDoneSeconds = 10 * 60;
const maxConnections = 5;
const connectTimeoutMs = 5_000;
/** On this side, for a server that does not answer any more: its statements take milliseconds. */
const queryTimeoutMs = 5_000;

export interface GateQueueOptions {
  readonly database: Secret;
  readonly concurrency: number;
  /** Looks after a gate, and gives in how many milliseconds it is due again, if it is. Never throws. */
  work(gate: string, reason: RunReason | undefined): Promise<number | undefined>;
  /** Faults that pg-boss gets over by itself. */
  onFault(error: unknown): void;
}

export interface GateQueue {
  /** Takes so many jobs at once from now on. Fewer than before are no less: who works on them has limits of its own. */
  grow(concurrency: number): Promise<void>;
  /** Gives a job, due now, to each gate that has none. */
  ensure(gates: readonly string[]): Promise<void>;
  /** Makes a gate due now. One that is being worked on is due again right after. */
  due(gate: string, reason: RunReason): Promise<void>;
  stop(timeoutMs: number): Promise<void>;
}

interface GateJob {
  readonly gate: string;
  readonly reason?: RunReason;
}

/** Joins the queue, makes it where needed, and begins to take jobs. Throws a JournalError. */
export async function openGateQueue(options: GateQueueOptions): Promise<GateQueue> {
  const { location, url } = parseDatabaseUrl(options.database);
  const explain = (what: string) => (error: unknown) => {
    throw explainPostgres(location, what, error);
  };
  const { PgBoss } = await import('pg-boss');
  const boss = new PgBoss({
    connectionString: url,
    application_name: 'postern-jobs',
    schema: jobsSchema,
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    // What pg-boss does not know goes to its pool as it is; a process that has ended its work does not stay for it.
    ...{ query_timeout: queryTimeoutMs, keepAlive: true, allowExitOnIdle: true },
    // Gates are due when their last run says so, not by the calendar.
    schedule: false,
    superviseIntervalSeconds: superviseSeconds,
    monitorIntervalSeconds: superviseSeconds,
    registerInstance: false,
  });
  boss.on('error', options.onFault);
  let places = options.concurrency;
  try {
    await boss.start();
    await boss.createQueue(queue, {
      // For each gate at most one job that waits and one that is worked on.
      policy: 'stately',
      heartbeatSeconds,
      expireInSeconds: expireSeconds,
      retryLimit,
      retryDelay: 0,
      deleteAfterSeconds: keepDoneSeconds,
    });
    await takeJobs(boss, places, options.work);
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => {});
    return explain('could not be used for sharing the work')(error);
  }
  return {
    grow: async concurrency => {
      const more = concurrency - places;
      if (more <= 0) return;
      // Beside those that take jobs already.
      await takeJobs(boss, more, options.work);
      places = concurrency;
    },
    ensure: gates => ensure(boss, gates).catch(explain('could not be used for sharing the work')),
    due: async (gate, reason) => {
      await boss
        .upsert(queue, { gate, reason }, { singletonKey: gate, startAfter: 0 })
        .catch(explain('could not take a hint'));
    },
    stop: async timeoutMs => {
      await boss.stop({ graceful: true, timeout: timeoutMs }).catch(options.onFault);
    },
  };
}

async function takeJobs(boss: PgBoss, places: number, work: GateQueueOptions['work']): Promise<void> {
  await boss.work<GateJob>(
    queue,
    { localConcurrency: places, batchSize: 1, pollingIntervalSeconds: pollSeconds },
    async ([job]) => {
      if (!job) return;
      const { gate, reason } = job.data;
      const nextInMs = await work(gate, reason);
      // Before this job ends, so that there is always one; a hint that came meanwhile has queued an earlier one.
      if (nextInMs !== undefined && !job.signal.aborted) {
        await boss.send(queue, { gate }, { singletonKey: gate, startAfter: Math.ceil(nextInMs / 1000) });
      }
    },
  );
}

/** Only gates that have no job at all get one: while one is worked on, its run says when it is due again. */
async function ensure(boss: PgBoss, gates: readonly string[]): Promise<void> {
  const { rows } = await boss.getDb().executeSql(
    `select distinct singleton_key as gate from ${jobsSchema}.job
        where name = $1 and state in ('created', 'retry', 'active')`,
    [queue],
  );
  const known = new Set(rows.map(({ gate }) => gate));
  const missing = gates.filter(gate => !known.has(gate));
  if (missing.length === 0) return;
  await boss.insert(
    queue,
    missing.map(gate => ({ data: { gate }, singletonKey: gate })),
  );
}
