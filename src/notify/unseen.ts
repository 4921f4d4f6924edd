/**
 * Whether it cannot be told yet that a situation is over: after a restart, or once its config was edited, a gate has
 * no plan and a feed no complete reading. That nothing is known against them does not make them well. Pure.
 */
import type { GateStatus, WatchStatus } from '../watch/status.ts';
import type { Situation } from './situation.ts';

/** False for what the config no longer has, and for what is about neither a gate nor a feed. */
export function isUnseen(situation: Situation, { gates, feeds }: WatchStatus): boolean {
  const gate = gates.find(({ name }) => name === situation.gate);
  if (gate) return isGateUnseen(situation, gate);
  const feed = feeds.find(({ feed }) => feed === situation.feed);
  return feed !== undefined && feed.lastCompleteAtMs === undefined;
}

/** That a gate no longer fails takes a good run: the failures before a restart are not counted after it. */
function isGateUnseen({ id }: Situation, { plannedAtMs, lastGoodRunAtMs }: GateStatus): boolean {
  return (id === 'gate-fails' ? lastGoodRunAtMs : plannedAtMs) === undefined;
}
