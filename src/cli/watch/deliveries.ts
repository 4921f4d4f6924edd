/** What is said where people did not get a message: who reads no metrics would never learn of it. */
import type { Delivery } from '../../notify/notifier.ts';
import { redactSecrets } from '../../secret.ts';
import type { Told } from '../../watch/words.ts';

export class DeliveryTroubles {
  /** Channels that took nothing since it was said that they fail. */
  readonly #failing = new Set<string>();

  /** The first failure after a success, and each message that is given up; undefined where there is nothing to say. */
  hear({ channel, notice, outcome, because = 'no reason is known' }: Delivery): Told | undefined {
    if (outcome === 'delivered') this.#failing.delete(channel);
    if (outcome === 'delivered' || (outcome === 'failed' && this.#failing.has(channel))) return undefined;
    if (outcome === 'failed') this.#failing.add(channel);
    const { kind, situation } = notice;
    const reason = redactSecrets(because);
    const what = `${kind} ${situation.key}`;
    return {
      level: outcome === 'failed' ? 'warn' : 'error',
      message:
        outcome === 'failed'
          ? `channel ${channel} took no message (${what}); it is tried again: ${reason}`
          : `a message to channel ${channel} was given up (${what}): ${reason}`,
      fields: { event: `message-${outcome}`, channel, kind, situation: situation.key, because: reason },
    };
  }
}
