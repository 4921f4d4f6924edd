import type { Channel } from './channel.ts';

/** A channel that is opened anew after a failure, so that a rotated secret is picked up. Throws what `open` throws. */
export function reopened(open: () => Channel): Channel {
  let channel = open();
  let hasFailed = false;
  const { kind, name, from } = channel;
  return {
    kind,
    name,
    from,
    async send(notice) {
      if (hasFailed) channel = attempt(open) ?? channel;
      hasFailed = true;
      await channel.send(notice);
      hasFailed = false;
    },
  };
}

/** A secret that is not there for a moment leaves the channel as it was. */
function attempt(open: () => Channel): Channel | undefined {
  try {
    return open();
  } catch {
    return undefined;
  }
}
