/** One JSON request to a Google API through our transport, and what it answers, errors as errors. */
import type { z } from 'zod';
import type { Transport } from '../../transport/transport.ts';
import { answerFault, parseJson } from '../answer.ts';
import { errorAnswer } from './schema.ts';
import type { TokenSource } from './token-source.ts';

/** A Google API said no: AIP-193. */
export class GoogleApiError extends Error {
  override readonly name = 'GoogleApiError';
  /** Undefined where an operation said it and not an answer. */
  readonly httpStatus: number | undefined;
  /** The canonical code, such as `PERMISSION_DENIED`; undefined where there is none. */
  readonly status: string | undefined;
  /** Google's own finer reasons, such as `SERVICE_DISABLED`. */
  readonly reasons: readonly string[];

  constructor(
    httpStatus: number | undefined,
    status: string | undefined,
    message: string,
    reasons: readonly string[] = [],
  ) {
    super(message);
    this.httpStatus = httpStatus;
    this.status = status;
    this.reasons = reasons;
  }
}

/** The answer is not of its documented shape. */
export class GoogleAnswerError extends Error {
  override readonly name = 'GoogleAnswerError';
}

export interface GoogleRequest {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly url: string;
  readonly json?: unknown;
  /** How often the transport may send it again by itself. Default: the transport's own. */
  readonly maxRetries?: number;
}

/** Throws a GoogleTokenError, TransportError, GoogleApiError or GoogleAnswerError. */
export async function sendJson<Answer>(
  transport: Transport,
  tokens: TokenSource,
  { method, url, json, maxRetries }: GoogleRequest,
  schema: z.ZodType<Answer>,
): Promise<Answer> {
  const response = await transport.send({
    method,
    url,
    headers: {
      ...(await tokens.headers()),
      accept: 'application/json',
      ...(json !== undefined && { 'content-type': 'application/json' }),
    },
    ...(json !== undefined && { body: JSON.stringify(json) }),
    // Before a write is sent again the level is read again, which the transport cannot do.
    ...(maxRetries !== undefined && { maxRetries }),
  });
  const answer = parseJson(Buffer.from(response.body).toString('utf8'));
  if (response.status !== 200) throw apiError(response.status, answer);
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new GoogleAnswerError(
    `the answer is not as Google documents it: ${answerFault(answer, parsed.error)}.`,
  );
}

function apiError(httpStatus: number, answer: unknown): GoogleApiError {
  const parsed = errorAnswer.safeParse(answer);
  if (!parsed.success) {
    return new GoogleApiError(httpStatus, undefined, `status ${httpStatus}, and no error of a Google API`);
  }
  const { message, status, details } = parsed.data.error;
  return new GoogleApiError(
    httpStatus,
    status ?? undefined,
    message ?? `status ${httpStatus}`,
    (details ?? []).flatMap(({ reason }) => reason ?? []),
  );
}
