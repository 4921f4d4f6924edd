/**
 * One worker of a fleet: every gate of the `postern.yaml` in its working directory, each run a session of its own.
 * It says in one JSON line each what it begins and what came of it. Arguments: milliseconds between two runs.
 */
import { systemClock } from '../../../../src/clock.ts';
import { atlasCredentialsOf, loadConfig, resolveSecret, systemFiles } from '../../../../src/config/index.ts';
import { openGate } from '../../../../src/gates/index.ts';
import { applyGate } from '../../../../src/reconcile/apply.ts';
import { openSession } from '../../../../src/reconcile/session.ts';
import { Secret } from '../../../../src/secret.ts';
import { createTransport, fencedTransport } from '../../../../src/transport/index.ts';
import { createFleet } from '../../../../src/watch/fleet/index.ts';

const everyMs = Number(process.argv[2]);
const { env } = process;
const config = loadConfig({ env, files: systemFiles });
const database = new Secret(env.POSTERN_DATABASE_URL!, 'env:POSTERN_DATABASE_URL');
const say = (what: object) => process.stdout.write(`${JSON.stringify({ pid: process.pid, ...what })}\n`);

async function work(gate: string): Promise<{ readonly nextInMs: number }> {
  say({ gate, kind: 'begins', atMs: Date.now() });
  const transport = createTransport({
    clock: systemClock,
    random: Math.random,
    mode: 'read-write',
    maxRetries: 1,
  });
  const session = await openSession({
    config,
    transport,
    clock: systemClock,
    credentials: atlasCredentialsOf(config.atlas, env, systemFiles).credentials,
    statePath: `${process.cwd()}/journal.db`,
    database,
    command: 'worker',
    gateNames: [gate],
    sharedReadingMaxAgeMs: Number(env.SHARED_MS ?? 0),
    report: () => {},
    openGate: (each, fence) =>
      openGate(each, {
        transport: fencedTransport(transport, fence.refusal),
        clock: systemClock,
        random: Math.random,
        secretOf: reference => resolveSecret(reference, env, systemFiles).secret,
      }),
  });
  try {
    const { status, message, writes } = await applyGate(await session.gates[0]!.open());
    say({ gate, kind: 'ends', atMs: Date.now(), status, message, writes: writes.length });
    // Another holds it: it is done soon, or was killed.
    return { nextInMs: status === 'refused' ? 1_000 : everyMs };
  } finally {
    await session.close();
  }
}

const fleet = createFleet({
  database,
  gates: () => config.gates.map(({ name }) => name),
  work,
  timing: { aloneAfterMs: Number(env.ALONE_AFTER_MS ?? 20_000), tickMs: 1_000 },
  onEvent: event =>
    say({ ...event, ...('error' in event && { error: String((event.error as Error)?.message) }) }),
});
fleet.start();
process.once('SIGTERM', async () => {
  await fleet.stop();
  say({ kind: 'stopped' });
  process.exit(0);
});
