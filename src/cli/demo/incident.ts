/**
 * `postern demo --scenario 2025-08-11`: the incident hour by hour, for three teams that keep a list for Atlas in
 * three ways. Postern is the daemon's own look, over real HTTP; the other two are small honest models on vaults
 * of their own. MongoDB's account does not say when the API listed the addresses, so both ways are played.
 */

import { systemClock } from '../../clock.ts';
import type { LabProject } from '../../lab/atlas/model.ts';
import { addClusters, foreignRules, labOrganizationId, labVaultId } from '../../lab/default-world.ts';
import {
  accountUrl,
  addedAddresses,
  announcedMs,
  controlPlaneBefore,
  type IncidentStep,
  incidentSteps,
  type Listing,
  listings,
  rolledBackMs,
  usedMs,
} from '../../lab/incidents/2025-08-11.ts';
import { type Lab, ManualClock } from '../../lab/index.ts';
import { formatDuration } from '../../plan/render/time.ts';
import * as watch from '../commands/watch.ts';
import type { CommandContext } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { Output } from '../output.ts';
import { Agenda, type Team } from './agenda.ts';
import { openStage, type Stage } from './stage.ts';
import { chapter, fact, paragraph, type Teller } from './telling.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** How long a change of a vault's list takes to be in force: 2 to 15 minutes have been reported. */
const propagationMs = 2 * minuteMs;
/** The hours of the day that are shown. */
const [firstHourMs, lastHourMs] = [
  usedMs - (usedMs % hourMs),
  rolledBackMs - (rolledBackMs % hourMs) + hourMs,
];

const words: Readonly<Record<IncidentStep['what'], string>> = {
  listed: `the API lists ${addedAddresses.length} new addresses`,
  used: 'Atlas begins to call from them',
  'rolled back': 'MongoDB goes back to the old ones',
};

export async function tellIncident(teller: Teller): Promise<void> {
  const { output } = teller.context;
  paragraph(
    teller.context,
    [
      `11 August 2025, by MongoDB's account: ${accountUrl}`,
      'Three teams keep the list of a vault for Atlas. One runs Postern, which reads every minute. One has a cron job that replaces the list at every full hour. One pasted the list by hand, and did not act on the e-mail of 30 June.',
      `A change of a list is in force after ${formatDuration(propagationMs)}. All times are UTC.`,
    ].join('\n'),
  );
  const played: (readonly Team[])[] = [];
  for (const listing of listings) {
    await chapter(teller, `If the API listed the addresses ${listing}`);
    played.push(await play(teller, listing));
  }
  await chapter(teller, 'Seconds in which Atlas was locked out, and clusters could be shut down:');
  output.table(
    [
      { title: `  of ${(rolledBackMs - usedMs) / 1_000}` },
      { title: 'listed on 30 June', align: 'right' },
      { title: 'listed at 14:05', align: 'right' },
    ],
    played[0]!.map(({ how }, index) => [
      `  ${how}`,
      ...played.map(teams => String(Math.round(teams[index]!.lockedOutMs / 1_000))),
    ]),
  );
  fact(
    teller,
    'Where addresses are listed ahead, whoever reads in time is not locked out at all. Where they are not, what counts is how soon one reads, and how long the cloud takes.',
  );
}

async function play(teller: Teller, listing: Listing): Promise<readonly Team[]> {
  const { context, pause } = teller;
  const clock = new ManualClock(announcedMs - hourMs);
  const stage = await openStage({ ...context, output: quiet(context) }, clock);
  try {
    const { lab } = stage;
    lab.atlas.controlPlane = controlPlaneBefore();
    lab.azure.behaviour = { ...lab.azure.behaviour, propagationMs };
    const teams = makeTeams(stage);
    await look(stage);
    clock.advance(propagationMs);
    const agenda = new Agenda({ output: context.output, signal: context.signal, pause, clock, lab, teams });
    for (const { what, atMs, happen } of incidentSteps(listing)) {
      agenda.add(atMs, words[what], () => happen(lab.atlas));
      // Whatever reads more often finds nothing new in between.
      agenda.add(nextFull(minuteMs, atMs), undefined, () => look(stage));
      agenda.add(nextFull(hourMs, atMs), undefined, () => replaceList(lab, teams[1]!));
    }
    for (let atMs = firstHourMs; atMs <= lastHourMs; atMs += hourMs) agenda.add(atMs, '', () => look(stage));
    await agenda.pass();
    return teams;
  } finally {
    await stage.close();
  }
}

/** The daemon's look at everything, which takes no time here. @returns what is to be told, and when it is in force */
async function look(stage: Stage): Promise<string | undefined> {
  let added = 0;
  const exitCode = await stage.run(
    watch.run,
    [],
    {
      once: true,
      inSentences: true,
      onEvent: event => {
        if (event.kind === 'run-step' && event.step.kind === 'writing') added += event.step.adds;
      },
    },
    { clock: { now: stage.clock.now, sleep: systemClock.sleep } },
  );
  if (exitCode !== exitCodes.ok) throw new Error(`Postern's look ended with exit code ${exitCode}.`);
  return added > 0 ? `Postern lets in ${added}` : undefined;
}

/** Whatever is listed now, and the office's own entries, which stand in the script. */
function replaceList(lab: Lab, { name, project: { id, key } }: Team): string | undefined {
  if (key?.cloud !== 'azure') throw new Error(`${name} has no vault.`);
  const listed = Object.values(lab.atlas.controlPlane.outbound).flatMap(regions =>
    Object.values(regions).flat(),
  );
  const nodes = lab.atlas.project(id).clusters.flatMap(cluster => cluster.nodes);
  const list = [...foreignRules, ...listed, ...nodes];
  const before = lab.azure.newest(key.vaultId).properties.networkAcls?.ipRules ?? [];
  if (before.length === list.length) return undefined;
  lab.azure.edit(key.vaultId, `${name}@example.com`, ({ properties: { networkAcls } }) => {
    networkAcls!.ipRules = list.map(value => ({ value }));
  });
  return `the cron job lets in ${list.length - before.length}`;
}

/** Every list is complete at the beginning, Postern's after its first look. */
function makeTeams({ lab, project }: Stage): readonly Team[] {
  const withVault = (name: string): LabProject => {
    const vaultId = labVaultId.replace(/[^/]+$/, name.replace(' ', '-'));
    lab.azure.addVault(
      vaultId,
      { bypass: 'AzureServices', defaultAction: 'Deny', ipRules: [], virtualNetworkRules: [] },
      lab.credentials.azure.tenantId,
    );
    const made = lab.atlas.addProject(name, labOrganizationId, { cloud: 'azure', vaultId });
    addClusters(lab.atlas, made);
    return made;
  };
  const teams: readonly Team[] = [
    { name: 'Postern', how: 'Postern, every minute', project, lockedOutMs: 0 },
    { name: 'cron job', how: 'cron job, every hour', project: withVault('cron job'), lockedOutMs: 0 },
    { name: 'by hand', how: 'by hand', project: withVault('by hand'), lockedOutMs: 0 },
  ];
  for (const team of teams.slice(1)) replaceList(lab, team);
  return teams;
}

/** The first full minute or hour after a time. */
function nextFull(unitMs: number, afterMs: number): number {
  return (Math.floor(afterMs / unitMs) + 1) * unitMs;
}

/** What the commands say is not shown, unless something is wrong. */
function quiet({ env, globals }: CommandContext): Output {
  const { stdout, stderr } = process;
  return new Output({ stdout, stderr, env, json: false, quiet: true, color: globals.color });
}
