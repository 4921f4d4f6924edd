import type { Clock } from '../clock.ts';
import { createLimit } from '../limit.ts';
import {
  brokenRemedy,
  deepestMessage,
  isCertificateCode,
  neverLeft,
  remedyFor,
  systemCode,
  TransportError,
} from './errors.ts';
import { onlyReads, writeReason } from './read-only.ts';
import { inRequestSpan } from './request-span.ts';
import { retryDelayMs } from './retry.ts';
import type { Transport, TransportMode, TransportRequest, TransportResponse } from './transport.ts';

export interface TransportOptions {
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly mode: TransportMode;
  /** For one request with all its tries and waits. */
  readonly totalTimeoutMs?: number;
  readonly tryTimeoutMs?: number;
  readonly maxBodyBytes?: number;
  readonly maxRetries?: number;
  /** Aborts after some milliseconds. Real time, whatever the clock is: it guards the network, not a rule. */
  readonly timeoutSignal?: (ms: number) => AbortSignal;
  /** How one try is made; default Node's own `fetch`. A simulated network stands here. */
  readonly exchange?: Exchange;
  readonly onRetry?: (retry: {
    readonly url: string;
    readonly because: string;
    readonly waitMs: number;
  }) => void;
}

/** Sends one request once. Throws as `fetch` does, or a `TransportError`. */
export type Exchange = (
  request: TransportRequest,
  options: {
    readonly signal: AbortSignal;
    readonly maxBodyBytes: number;
    /** Told of every part of the answer's body. */
    count(bytes: number): void;
  },
) => Promise<TransportResponse>;

/**
 * Requests under way at once to one host, so that a fleet is no storm to a cloud's API: each cloud has hosts of
 * its own, and so a limit of its own. The others wait, and their time limit begins when they are sent.
 */
export const maxRequestsPerHost = 32;

const defaults = {
  exchange: fetchOnce as Exchange,
  totalTimeoutMs: 120_000,
  tryTimeoutMs: 30_000,
  maxBodyBytes: 16 * 1024 * 1024,
  maxRetries: 4,
  // Node.js takes whole milliseconds only, and ends a timer beyond 31 bits at once.
  timeoutSignal: (ms: number) => AbortSignal.timeout(Math.min(2 ** 31 - 1, Math.max(0, Math.ceil(ms)))),
};

/**
 * The one way out of the process, on Node's own `fetch`. A redirect is an answer, not followed: it must not
 * carry credentials elsewhere. An HTTP error status is an answer too; it is retried where that is safe.
 */
export function createTransport(options: TransportOptions): Transport {
  const settings = { ...defaults, ...options };
  const { clock, random } = settings;
  const usage = { requests: 0, retries: 0, bytesReceived: 0 };
  const limits = new Map<string, ReturnType<typeof createLimit>>();
  const limitFor = (url: string) => {
    const host = URL.parse(url)?.host ?? '';
    const limit = limits.get(host) ?? createLimit(maxRequestsPerHost);
    limits.set(host, limit);
    return limit;
  };

  return {
    usage: () => ({ ...usage }),
    async send(request) {
      // Anything but the one word that allows writing is a dry run.
      const reason = settings.mode === 'read-write' ? undefined : writeReason(request);
      if (reason !== undefined) {
        throw new TransportError(
          'refused-write',
          request,
          `not sent, because this is a dry run and ${reason}.`,
          {
            mayHaveBeenSent: false,
          },
        );
      }
      const deadlineMs = clock.now() + settings.totalTimeoutMs;
      const maxRetries = request.maxRetries ?? settings.maxRetries;
      for (let attempt = 0; ; attempt++) {
        const outcome = await limitFor(request.url)(() => {
          refuseUnlessFree(request);
          const timeoutMs = Math.min(settings.tryTimeoutMs, deadlineMs - clock.now());
          return inRequestSpan(request, attempt, () => attemptOnce(request, timeoutMs));
        });
        const waitMs =
          attempt < maxRetries
            ? retryDelayMs(request, outcome, attempt, { random, nowMs: clock.now() })
            : undefined;
        if (waitMs === undefined || clock.now() + waitMs >= deadlineMs) {
          if (outcome instanceof TransportError) throw outcome;
          return outcome;
        }
        usage.retries++;
        const because = outcome instanceof TransportError ? outcome.message : `status ${outcome.status}`;
        settings.onRetry?.({ url: request.url, because, waitMs });
        await clock.sleep(waitMs, request.signal);
      }
    },
  };

  async function attemptOnce(
    request: TransportRequest,
    timeoutMs: number,
  ): Promise<TransportResponse | TransportError> {
    usage.requests++;
    const timeout = (options.timeoutSignal ?? defaults.timeoutSignal)(timeoutMs);
    const signal = request.signal ? AbortSignal.any([timeout, request.signal]) : timeout;
    try {
      return await settings.exchange(request, {
        signal,
        maxBodyBytes: settings.maxBodyBytes,
        count: bytes => {
          usage.bytesReceived += bytes;
        },
      });
    } catch (error) {
      if (request.signal?.aborted) throw request.signal.reason;
      if (timeout.aborted) return timedOut(request, timeoutMs, error);
      return explain(request, error);
    }
  }
}

async function fetchOnce(
  request: TransportRequest,
  { signal, maxBodyBytes, count }: Parameters<Exchange>[1],
): Promise<TransportResponse> {
  const response = await fetch(request.url, {
    method: request.method,
    headers: request.headers,
    redirect: 'manual',
    signal,
    ...(request.body !== undefined && { body: request.body as string }),
  });
  const body = await readBody(request, response, maxBodyBytes, count);
  return { status: response.status, headers: Object.fromEntries(response.headers), body };
}

/** A try that waited may wake up in another world, so this is asked before each of them. */
function refuseUnlessFree(request: TransportRequest): void {
  const reason = request.refusal && !onlyReads(request) ? request.refusal() : undefined;
  if (reason === undefined) return;
  throw new TransportError('refused-write', request, `not sent, because ${reason}.`, {
    // A try before this one was certainly not carried out, or it would not be tried again.
    mayHaveBeenSent: false,
  });
}

/** The whole body, or a `TransportError` thrown when it is too large or shorter than announced. */
async function readBody(
  request: TransportRequest,
  response: Response,
  maxBytes: number,
  count: (bytes: number) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (response.body) {
    for await (const chunk of response.body) {
      length += chunk.byteLength;
      count(chunk.byteLength);
      if (length > maxBytes) {
        throw new TransportError('too-large', request, `the answer is larger than ${maxBytes} bytes.`, {
          mayHaveBeenSent: true,
        });
      }
      chunks.push(chunk);
    }
  }
  const announced = response.headers.get('content-length');
  // A compressed body is counted before, and read after, it is unpacked; some answers announce one and have none.
  const isComparable =
    announced !== null &&
    !response.headers.has('content-encoding') &&
    response.status !== 304 &&
    request.method.toUpperCase() !== 'HEAD';
  if (isComparable && length < Number(announced)) {
    throw truncated(request, `${length} of ${announced} bytes came`);
  }
  return Buffer.concat(chunks);
}

function timedOut(request: TransportRequest, timeoutMs: number, cause: unknown): TransportError {
  return new TransportError('timeout', request, `no answer within ${Math.round(timeoutMs / 1000)} s.`, {
    mayHaveBeenSent: true,
    remedy: 'Check the network; a slow proxy may need longer.',
    cause,
  });
}

function explain(request: TransportRequest, error: unknown): TransportError {
  if (error instanceof TransportError) return error;
  if (error instanceof TypeError && !fetchMessages.has(error.message)) return notARequest(request);
  const code = systemCode(error);
  // fetch says `terminated` when the body breaks off after the headers came.
  if (error instanceof TypeError && error.message === 'terminated')
    return truncated(request, 'the connection broke', error);
  // Codes of fetch's own say less than its words.
  const what = code === '' || code.startsWith('UND_ERR_') ? deepestMessage(error).replace(/\.$/, '') : code;
  return new TransportError('network', request, `no answer (${what}).`, {
    mayHaveBeenSent: !neverLeft(error),
    isLasting: isCertificateCode(code),
    remedy: remedyFor(code),
    cause: error,
  });
}

/** How fetch reports that the network failed, before and after the headers came. */
const fetchMessages = new Set(['fetch failed', 'terminated']);

/** fetch refused to send it. Its words are not passed on: they quote the header or the URL, secrets and all. */
function notARequest(request: TransportRequest): TransportError {
  const isUrl = URL.parse(request.url) === null || /\/\/[^/]*@/.test(request.url);
  return new TransportError(
    'network',
    request,
    `not sent, because its ${isUrl ? 'URL is' : 'method, headers or body are'} not valid.`,
    {
      mayHaveBeenSent: false,
      isLasting: true,
      remedy: 'Check the URLs in the config, and that no credential holds a line break.',
    },
  );
}

function truncated(request: TransportRequest, detail: string, cause?: unknown): TransportError {
  return new TransportError('truncated', request, `the answer was cut off: ${detail}.`, {
    mayHaveBeenSent: true,
    remedy: brokenRemedy,
    cause,
  });
}
