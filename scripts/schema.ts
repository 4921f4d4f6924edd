/** Writes the JSON Schema of `postern.yaml`, which editors read. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configJsonSchema } from '../src/config/json-schema.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const path = 'schema/postern.schema.json';

writeFileSync(`${root}/${path}`, configJsonSchema());
const biome = `${root}/node_modules/.bin/biome`;
process.exitCode = spawnSync(biome, ['format', '--write', path], { cwd: root, stdio: 'inherit' }).status ?? 1;
