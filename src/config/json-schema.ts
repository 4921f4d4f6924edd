import { z } from 'zod';
import { configSchema } from './schema.ts';

/** The JSON Schema of `postern.yaml`, for editors; ends with a newline. */
export function configJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' });
  return `${JSON.stringify(schema, null, 2)}\n`;
}
