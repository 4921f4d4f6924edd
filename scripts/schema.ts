/** Writes the JSON Schema of `postern.yaml`, which editors read. */
import { writeFileSync } from 'node:fs';
import { configJsonSchema } from '../src/config/json-schema.ts';

const path = new URL('../schema/postern.schema.json', import.meta.url);
writeFileSync(path, configJsonSchema());
console.log('schema/postern.schema.json');
