/** Fields that several parts of the config's schema are made of. */
import { z } from 'zod';

/** What a checked text lacks: a sentence, and one that says what to do. */
export interface Fault {
  readonly message: string;
  readonly remedy?: string;
}

/** A string with a check of its own, whose fault becomes the whole message. */
export function text(check: (value: string) => Fault | undefined) {
  return z.string().check(context => {
    const fault = check(context.value);
    if (fault) {
      const params = { remedy: fault.remedy };
      context.issues.push({ code: 'custom', message: fault.message, params, input: context.value });
    }
  });
}

export const secretReference = text(value => {
  if (/^env:[A-Za-z_][A-Za-z0-9_]*$/.test(value) || /^file:[^\0\n\r]*[^\0\n\r\s][^\0\n\r]*$/.test(value)) {
    return undefined;
  }
  return {
    message:
      'expected a reference to a secret, env:NAME or file:PATH; got something else, which is not shown.',
    remedy:
      'If it is the secret itself, take it out of the file, and consider it known to whoever can read the file.',
  };
}).meta({
  description: 'Where the secret is: env:NAME or file:PATH. Never the secret itself.',
  pattern: '^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$',
});
