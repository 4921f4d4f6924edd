/** A channel: one place that notices go to. A new kind is one file here and one line in `index.ts`. */
import type { Severity } from '../../finding.ts';
import type { Transport, TransportResponse } from '../../transport/transport.ts';
import type { Notice } from '../situation.ts';

export const channelKinds = ['webhook', 'slack', 'teams', 'pagerduty', 'email'] as const;
export type ChannelKind = (typeof channelKinds)[number];

export interface Channel {
  readonly kind: ChannelKind;
  /** The operator's name for it. */
  readonly name: string;
  /** The least severity that it is told. */
  readonly from: Severity;
  /** Resolves when the other side has taken the notice. Throws a `ChannelError`. */
  send(notice: Notice): Promise<void>;
}

/** A notice was not taken: by which channel, why, what to do. Holds no secret. */
export class ChannelError extends Error {
  override readonly name = 'ChannelError';
  readonly channel: string;
  readonly remedy: string | undefined;
  /** True when sending the same again can only fail again, such as a wrong key. */
  readonly isLasting: boolean;

  constructor(
    channel: string,
    message: string,
    options: { remedy?: string; isLasting?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.channel = channel;
    this.remedy = options.remedy;
    this.isLasting = options.isLasting ?? false;
  }
}

/** Posts JSON and takes any 2xx for taken. Throws a `ChannelError`. */
export async function postJson(
  { name, transport }: { readonly name: string; readonly transport: Transport },
  url: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  let response: TransportResponse;
  try {
    response = await transport.send({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
  } catch (cause) {
    const { remedy } = cause as { remedy?: string };
    throw new ChannelError(name, `Channel ${name} could not be reached: ${messageOf(cause)}`, {
      cause,
      ...(remedy !== undefined && { remedy }),
    });
  }
  const { status } = response;
  if (status >= 200 && status < 300) return;
  const isLasting = status >= 300 && status < 500 && status !== 408 && status !== 429;
  throw new ChannelError(name, `Channel ${name} answered ${status}.`, {
    isLasting,
    ...(isLasting && { remedy: 'Check the address and the key of this channel in the config.' }),
  });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
