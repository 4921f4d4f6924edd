/** Hears what Atlas's answers say beside their bodies: its clock, and the end of versions. */
import type { Transport } from '../transport/transport.ts';
import type { AtlasFacts } from './facts.ts';

export interface Listener {
  readonly transport: Transport;
  /** Of what has been answered so far. */
  heard(): Pick<AtlasFacts, 'clock' | 'sunsets'>;
}

/** @param baseUrl whose answers count */
export function listenTo(transport: Transport, baseUrl: string, now: () => number): Listener {
  let clock: AtlasFacts['clock'];
  const sunsets = new Map<string, number>();
  return {
    heard: () => ({ clock, sunsets: [...sunsets].map(([path, atMs]) => ({ path, atMs })) }),
    transport: {
      usage: () => transport.usage(),
      send: async request => {
        const sentMs = now();
        const response = await transport.send(request);
        if (!request.url.startsWith(baseUrl)) return response;
        const theirsMs = Date.parse(response.headers.date ?? '');
        // The header has whole seconds, and was written somewhere between the sending and the answer.
        const oursMs = (sentMs + now()) / 2 - 500;
        if (Number.isFinite(theirsMs)) clock = { theirsMs, oursMs };
        const endsMs = Date.parse(response.headers.sunset ?? '');
        if (Number.isFinite(endsMs)) sunsets.set(pathOf(request.url), endsMs);
        return response;
      },
    },
  };
}

/** One finding for each resource, not for each project. */
function pathOf(url: string): string {
  return new URL(url).pathname.replace(/\/[0-9a-f]{24}(?=\/|$)/gi, '/…');
}
