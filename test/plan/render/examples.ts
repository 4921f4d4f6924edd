/** Plans to render: made by `makePlan` from small worlds, so that what is rendered is what really comes. */
import type { Address } from '../../../src/address/address.ts';
import type { Cidr } from '../../../src/address/cidr.ts';
import { makePlan } from '../../../src/plan/make-plan.ts';
import type { Plan, PlanEntry } from '../../../src/plan/plan.ts';
import type { RenderOptions } from '../../../src/plan/render/index.ts';
import {
  cidr,
  dayMs,
  journalOf,
  nowMs,
  observation,
  planInput,
  reading,
  ripe,
  row,
  stateOf,
} from '../fixtures.ts';

export const options: RenderOptions = { color: false, width: 100, verbose: false, nowMs };

const hourMs = dayMs / 24;
const atlas = (third: number, number: number): readonly Cidr[] =>
  Array.from({ length: number }, (_, fourth) => cidr(`52.70.${third}.${fourth + 1}`));

export const kept = atlas(1, 40);
export const opened = atlas(2, 12);
export const retained = cidr('3.92.113.229');
export const closed = cidr('3.208.110.31');
export const foreign = cidr('198.17.0.0/24');

const inRegion = (region: string, list: readonly Cidr[]): readonly Address[] =>
  list.map(each => ({
    cidr: each,
    provenance: { feed: 'control-plane', direction: 'outbound', future: false, cloud: 'aws', region },
  }));

/** One gate with something of every action, in the policy `sync`. */
export const busy: Plan = makePlan(
  planInput({
    gate: { ...planInput().gate, name: 'prod-vault' },
    state: stateOf([...kept, retained, closed, foreign]),
    feeds: [
      reading(
        observation('control-plane', [], {
          atMs: nowMs - 180_000,
          addresses: [...inRegion('us-east-1', opened), ...inRegion('eu-west-1', kept)],
        }),
      ),
    ],
    journal: journalOf(
      [...kept, retained, closed],
      [
        ...kept.map(each => row(each)),
        ripe(closed),
        row(retained, { absentSinceMs: nowMs - dayMs - 21 * hourMs, absentReads: 30 }),
      ],
    ),
  }),
);

/** Nothing to do. */
export const calm: Plan = makePlan(
  planInput({
    state: stateOf(kept),
    feeds: [reading(observation('control-plane', kept))],
    journal: journalOf(
      kept,
      kept.map(each => row(each)),
    ),
  }),
);

/** The policy `observe`, with addresses missing and a feed that could not be read whole. */
export const observed: Plan = makePlan(
  planInput({
    policy: 'observe',
    state: stateOf(kept, {
      lets: 'everyone',
      findings: [
        {
          id: 'default-action-allow',
          severity: 'error',
          message: 'The default action of vault is Allow, so its list has no effect.',
          remedy: 'Set `--default-action Deny` once every address is in the list.',
        },
      ],
    }),
    feeds: [
      reading(
        observation('control-plane', [...kept, ...opened], {
          complete: false,
          faults: [{ kind: 'emptied-section', place: 'outbound.gcp', message: 'outbound.gcp is empty.' }],
        }),
      ),
    ],
    journal: journalOf(
      kept,
      kept.map(each => row(each)),
    ),
  }),
);

/** A plan whose every free text is the same hostile one. */
export function hostile(text: string): Plan {
  const entry = (action: PlanEntry['action'], last: number): PlanEntry => ({
    cidr: cidr(`52.70.9.${last}`),
    action,
    because: text,
    owner: 'postern',
    provenance: [{ feed: `nodes:${text}`, direction: 'outbound', future: false, cluster: text, note: text }],
  });
  return {
    ...busy,
    gate: { ...busy.gate, id: text, name: text },
    feeds: [{ feed: `nodes:${text}`, atMs: nowMs, complete: false, addresses: 1, faults: [text] }],
    entries: (['open', 'close', 'retain', 'keep', 'leave'] as const).map(entry),
    guards: [
      { guard: text, blocks: 'removals', message: text, remedy: text },
      { guard: text, blocks: 'write', message: text, remedy: text },
    ],
    findings: (['error', 'warning', 'info'] as const).map(severity => ({
      id: text,
      severity,
      message: text,
      remedy: text,
    })),
    checksum: text,
  };
}
