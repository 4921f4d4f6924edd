/**
 * Atlas's alerts as hints. Atlas signs the body with HMAC-SHA-1 and the secret of the alert's webhook, in
 * Base64, in `X-MMS-Signature` (MongoDB's documentation of webhook alerts). The signature has no time in it, so
 * a body that came before is refused for a while. What an alert says is never believed: it makes Postern read.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../secret.ts';
import type { Hint } from '../watch/events.ts';

/** The largest body that is read, in bytes; an alert has a few thousand. */
export const maxAlertBytes = 64 * 1024;
const rememberedMs = 60 * 60_000;
const maxRemembered = 10_000;

export type AlertVerdict =
  | { readonly taken: true; readonly hint: Hint }
  | { readonly taken: false; readonly status: 400 | 401 | 409; readonly message: string };

export class AtlasWebhook {
  readonly #secret: Secret;
  /** Digests of bodies that came, and when; the oldest first. */
  readonly #seen = new Map<string, number>();

  constructor(secret: Secret) {
    this.#secret = secret;
  }

  /** @param body the bytes as they came: the signature is over them, not over what they mean */
  take(body: Buffer, signature: string | undefined, nowMs: number): AlertVerdict {
    if (!this.#isSigned(body, signature)) {
      return { taken: false, status: 401, message: 'X-MMS-Signature is not the signature of this body.' };
    }
    if (this.#isRepetition(body, nowMs)) {
      return { taken: false, status: 409, message: 'This very alert came before.' };
    }
    let alert: unknown;
    try {
      alert = JSON.parse(body.toString('utf8'));
    } catch {
      return { taken: false, status: 400, message: 'The body is not JSON.' };
    }
    return { taken: true, hint: hintOf(alert) };
  }

  #isSigned(body: Buffer, signature: string | undefined): boolean {
    const expected = createHmac('sha1', this.#secret.reveal()).update(body).digest();
    const given = Buffer.from(signature ?? '', 'base64');
    // Base64 that Node.js passes over, such as a stray character, is no signature either.
    if (given.length !== expected.length || given.toString('base64') !== signature) return false;
    return timingSafeEqual(given, expected);
  }

  #isRepetition(body: Buffer, nowMs: number): boolean {
    for (const [digest, atMs] of this.#seen) {
      if (nowMs - atMs < rememberedMs && this.#seen.size <= maxRemembered) break;
      this.#seen.delete(digest);
    }
    const digest = createHash('sha256').update(body).digest('base64');
    if (this.#seen.has(digest)) return true;
    this.#seen.set(digest, nowMs);
    return false;
  }
}

/** Only a project's id and the name of an event are taken, and both only in the form that they have. */
function hintOf(alert: unknown): Hint {
  const { groupId, eventTypeName } = (alert ?? {}) as Record<string, unknown>;
  const isProject = typeof groupId === 'string' && /^[0-9a-f]{24}$/.test(groupId);
  const isEvent = typeof eventTypeName === 'string' && /^[A-Z0-9_]{1,100}$/.test(eventTypeName);
  return {
    source: 'webhook',
    ...(isProject && { projectId: groupId }),
    because: isEvent ? eventTypeName : 'an alert of Atlas',
  };
}
