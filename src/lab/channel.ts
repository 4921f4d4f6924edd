/**
 * A team's end of a webhook channel: takes Postern's messages over HTTP, and only those whose signature is right
 * and whose time is near. Checks by the documented rule (docs/notifications.md), not with Postern's own code.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { Faults } from './faults.ts';
import { type Answer, type Incoming, startServer } from './http.ts';

/** Opens nothing: it signs messages to the lab. */
export const labChannelSecret = 'lab-only-channel-secret';

export interface ChannelMessage {
  /** A title, and a line for each fact. */
  readonly text: string;
  readonly gate: string | undefined;
  readonly addresses: readonly string[];
}

export interface LabChannel {
  readonly url: string;
  close(): Promise<void>;
}

/** A receiver should refuse what is older, so that a message cannot be played to it again. */
const maxAgeMs = 5 * 60_000;

/** Listens on loopback only. */
export async function startChannel(
  clock: Clock,
  onMessage: (message: ChannelMessage) => void,
): Promise<LabChannel> {
  const handle = (request: Incoming): Answer => {
    if (request.method !== 'POST' || request.path !== '/team') return { status: 404 };
    if (!isSigned(request, clock.now())) return { status: 401 };
    const { text, situation } = JSON.parse(request.body);
    onMessage({ text, gate: situation.gate, addresses: situation.addresses });
    return { status: 204 };
  };
  const server = await startServer({ clock, faults: new Faults(), log: [], service: 'channel', handle });
  return { url: `http://127.0.0.1:${server.port}/team`, close: server.close };
}

function isSigned({ headers, body }: Incoming, nowMs: number): boolean {
  const timestamp = String(headers['x-postern-timestamp']);
  if (!(Math.abs(nowMs - Number(timestamp) * 1_000) <= maxAgeMs)) return false;
  const digest = createHmac('sha256', labChannelSecret).update(`${timestamp}.${body}`).digest('hex');
  const [expected, given] = [`v1=${digest}`, String(headers['x-postern-signature'])].map(text =>
    Buffer.from(text),
  );
  return expected!.length === given!.length && timingSafeEqual(expected!, given!);
}
