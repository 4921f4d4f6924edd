import type { z } from 'zod';
import type { AtlasClient } from './client.ts';
import { AtlasAnswerError } from './errors.ts';

/** What an answer means by its schema. Throws an AtlasAnswerError that names the place where it does not fit. */
export function parseAnswer<T extends z.ZodType>(
  schema: T,
  answer: unknown,
  client: Pick<AtlasClient, 'urlOf'>,
  path: string,
): z.infer<T> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AtlasAnswerError('malformed', client.urlOf(path), `${issue?.path.join('.')}: ${issue?.message}`);
}
