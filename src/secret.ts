import { inspect } from 'node:util';

/** Values that must never be printed; the last line of defence is `redactSecrets` on every output. */
const knownSecrets = new Set<string>();

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

/** Has `redactSecrets` hide a value that is not a `Secret` of ours, such as a token that was fetched. */
export function rememberSecret(value: string): void {
  // Shorter values would redact innocent text, and are no secrets.
  if (value.length >= 6) knownSecrets.add(value);
}

/** Replaces every known secret in a text that is about to leave the process. */
export function redactSecrets(text: string): string {
  let redacted = text;
  for (const secret of knownSecrets) redacted = redacted.replaceAll(secret, '[redacted]');
  return redacted;
}
