/** What KMS, IAM and STS have in common. */
import type { Clock } from '../../clock.ts';
import type { AwsBehaviour } from './behaviour.ts';
import type { Directory } from './directory.ts';
import type { Timeline } from './timeline.ts';

export interface SharedState {
  readonly clock: Clock;
  readonly directory: Directory;
  behaviour: AwsBehaviour;
  /** Actions that the caller's own policies do not grant, such as `kms:PutKeyPolicy`. */
  readonly withheld: Set<string>;
  /** What else is known of a call, by condition key in lower case: what the lab would refuse to guess. */
  readonly facts: Map<string, readonly string[]>;
  /** The public address that the caller's requests come from. */
  callerAddress: string;
  /** How many of the next reads of policies show the version before the newest. */
  staleReads: number;
}

/** What a read shows, with the staleness that was asked for. */
export function readNow<T>(state: SharedState, timeline: Timeline<T>): T {
  if (state.staleReads > 0) {
    state.staleReads--;
    return timeline.beforeNewest;
  }
  return timeline.read(state.clock.now(), state.behaviour);
}
