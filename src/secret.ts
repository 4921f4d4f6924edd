import { inspect } from 'node:util';

/**
 * Values that must never be printed; the last line of defence is `redactSecrets` on every output. By their first
 * characters, so that a text is gone through once, however many there are.
 */
const knownSecrets = new Map<string, Set<string>>();
/** Shorter values would redact innocent text, and are no secrets. */
const startLength = 6;

/** Tokens that were fetched, the newest last. */
const tokens = new Set<string>();
/** Each is good for an hour or so. A daemon that kept them all would grow, and print ever more slowly. */
const mostTokens = 2_000;

/** A credential. It shows where it came from and never what it is; `reveal` is called only where it is used. */
export class Secret {
  readonly #value: string;
  /** Where it came from, such as `env:ATLAS_CLIENT_SECRET`. */
  readonly reference: string;

  constructor(value: string, reference: string) {
    this.#value = value;
    this.reference = reference;
    rememberSecret(value);
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return `[secret ${this.reference}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** Has `redactSecrets` hide a value that is not a `Secret` of ours, for as long as the process lives. */
export function rememberSecret(value: string): void {
  if (value.length < startLength) return;
  const start = value.slice(0, startLength);
  const known = knownSecrets.get(start);
  if (known) known.add(value);
  else knownSecrets.set(start, new Set([value]));
}

/** The same of a token that was fetched and soon ends: the newest two thousand are hidden. */
export function rememberToken(value: string): void {
  // Used again, it is new again.
  tokens.delete(value);
  tokens.add(value);
  rememberSecret(value);
  if (tokens.size > mostTokens) forgetOldestToken();
}

function forgetOldestToken(): void {
  const oldest = tokens.values().next().value!;
  tokens.delete(oldest);
  const start = oldest.slice(0, startLength);
  const known = knownSecrets.get(start);
  known?.delete(oldest);
  if (known?.size === 0) knownSecrets.delete(start);
}

/** Replaces every known secret in a text that is about to leave the process. */
export function redactSecrets(text: string): string {
  let redacted = '';
  let from = 0;
  for (let at = 0; at + startLength <= text.length; ) {
    const found = secretAt(text, at);
    if (found === undefined) {
      at++;
      continue;
    }
    redacted += `${text.slice(from, at)}[redacted]`;
    at += found.length;
    from = at;
  }
  return from === 0 ? text : redacted + text.slice(from);
}

/**
 * The same as a replacer for `JSON.stringify`: before a text is quoted, since a secret with a quotation mark in it
 * looks otherwise afterwards.
 */
export function redactInJson(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? redactSecrets(value) : value;
}

/** The longest one, where one is the beginning of another. */
function secretAt(text: string, at: number): string | undefined {
  let longest: string | undefined;
  for (const secret of knownSecrets.get(text.slice(at, at + startLength)) ?? []) {
    if (secret.length > (longest?.length ?? 0) && text.startsWith(secret, at)) longest = secret;
  }
  return longest;
}
