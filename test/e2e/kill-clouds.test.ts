/**
 * SIGKILL of the built command at the calls to each cloud that count: just before a write took effect, just after
 * it did and before its answer came, and at the reading back. After each the journal is whole, the next run settles
 * what was begun, and in the end the gate holds what Atlas wants and what is others'.
 */
import { expect, test } from 'vitest';
import { AddressSet } from '../../src/address/address-set.ts';
import { parseCidr } from '../../src/address/cidr.ts';
import { type GateKind, gateKinds } from '../../src/gates/gate.ts';
import type { Fault, FaultAct } from '../../src/lab/faults.ts';
import { integrityOf, writesOf } from '../faults/journal-file.ts';
import { type CloudSite, withKind } from './cloud-sites.ts';
import { makeSite } from './site.ts';

type Call = Pick<Fault, 'on' | 'method' | 'path'>;

/** Longer than any change takes to be in force. */
const settledMs = 40 * 60_000;

const writes: Readonly<Record<GateKind, Call>> = {
  'azure-key-vault': { on: 'azure', method: 'PATCH', path: '/vaults/' },
  'aws-role-policy': { on: 'iam', path: '/PutRolePolicy' },
  'aws-key-policy': { on: 'kms', path: '/PutKeyPolicy' },
  'gcp-access-level': { on: 'gcp', method: 'PATCH', path: '/accessLevels/' },
};

test.concurrent.each(
  gateKinds.map(kind => ({ kind })),
)('$kind: killed at a write, after it, and at its reading back', { timeout: 120_000 }, async ({ kind }) => {
  const made = await makeSite();
  try {
    await killThrice(withKind(made, kind));
  } finally {
    await made.close();
  }
});

async function killThrice(site: CloudSite): Promise<void> {
  const write = writes[site.kind];
  const { foreign, firstWrite, lab, journalPath } = site;
  const others = site.others();
  await killed(site, 0, write, { kind: 'answer', status: 503 });
  expect(site.entries()).toHaveLength(foreign.length);
  expect(writesOf(journalPath)).toEqual([[firstWrite, null]]);

  // A first write that may be under way still is not tried again.
  site.setAhead(settledMs);
  await killed(site, settledMs, write, 'its answer');
  expect(site.entries().length).toBeGreaterThan(foreign.length + 380);
  expect(writesOf(journalPath)).toEqual([
    [firstWrite, 'not-applied'],
    [firstWrite, null],
  ]);

  lab.atlas.addControlPlane('aws', 'us-east-1', ['13.48.7.7/32'], { announced: true });
  await killed(site, settledMs, write, 'the next call');
  expect(site.entries()).toContain('13.48.7.7/32');

  const { code, stdout, stderr } = await site.startLater(settledMs, 'apply', '--yes').ended;
  expect([code, stdout, stderr]).toEqual([
    0,
    expect.stringContaining('in step'),
    expect.stringContaining('interrupted at a write (add); it was applied'),
  ]);
  expect(writesOf(journalPath)).toEqual([
    [firstWrite, 'not-applied'],
    [firstWrite, 'applied'],
    ['add', 'applied'],
  ]);
  expect(site.others()).toEqual(others);
  expectRight(site);
}

/** Kills `apply` at a call: as the cloud refuses it, as its answer is about to leave, or at the call after it. */
async function killed(
  site: CloudSite,
  atMs: number,
  call: Call,
  at: FaultAct | 'its answer' | 'the next call',
): Promise<void> {
  const { faults } = site.lab;
  const child = site.startLater(atMs, 'apply', '--yes');
  const kill: FaultAct = { kind: 'meanwhile', happens: () => void child.process.kill('SIGKILL') };
  const killNext = () => void faults.add({ on: call.on, times: 1, act: kill });
  faults.add({
    ...call,
    times: 1,
    act: at === 'the next call' ? { kind: 'meanwhile', happens: killNext } : kill,
  });
  if (typeof at === 'object') faults.add({ ...call, times: 1, act: at });
  const { signal, stdout, stderr } = await child.ended;
  expect([signal, stdout, stderr]).toEqual(['SIGKILL', '', expect.anything()]);
  faults.clear();
  expect(integrityOf(site.journalPath)).toBe('ok');
}

function expectRight({ lab, project, foreign, ...site }: CloudSite): void {
  expect(lab.atlas.lockedOut(project.id)).toEqual([]);
  expect(lab.atlas.isKeyValid(project.id)).toBe(true);
  const entries = site.entries();
  expect(entries).toEqual(expect.arrayContaining(foreign.map(text => parseCidr(text))));
  const wanted = lab.atlas.addressesInUse(project.id).map(text => parseCidr(text, { bare: 'host' }));
  expect(AddressSet.of(entries).covers(AddressSet.of(wanted))).toBe(true);
}
