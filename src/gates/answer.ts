/** Answers of clouds that come as JSON text, and what is said of those that are not as documented. */
import type { z } from 'zod';

/** Undefined for what is not JSON. */
export function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

/** Where an answer is not as documented, for the end of a sentence. */
export function answerFault(answer: unknown, { issues: [issue] }: z.ZodError): string {
  if (answer === undefined) return 'it is not JSON';
  return [issue?.path.join('.'), issue?.message].filter(Boolean).join(': ');
}

/** What to do about an answer that is not as its cloud documents it. */
export const afterStrangeAnswer =
  'Run it again. If it goes on, see what stands between here and the cloud, such as a proxy that answers in its place; if nothing does, report it.';
