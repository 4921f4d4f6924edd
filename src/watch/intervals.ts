import type { FeedId } from '../address/address.ts';
import type { Config } from '../config/config.ts';

/** How often a feed is read. What stands in the config is read with the control plane: it costs nothing. */
export function feedIntervalMs(feed: FeedId, { watch }: Pick<Config, 'watch'>): number {
  return feed.startsWith('nodes:') ? watch.nodesMs : watch.controlPlaneMs;
}
