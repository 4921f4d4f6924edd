/**
 * Bundles the command line into `dist/`. Our code and the pure libraries go in, because one file is read faster
 * than hundreds; the cloud SDKs stay outside, and are loaded when a gate needs them.
 */
import { chmodSync, copyFileSync, globSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { topLevelHelp } from '../src/cli/program.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const { version, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
};
const bundled = new Set(['commander', 'yaml', 'zod', 'kysely']);

const startedMs = performance.now();
const result = await build({
  absWorkingDir: root,
  entryPoints: { postern: 'src/cli/main.ts' },
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  external: Object.keys(dependencies).filter(name => !bundled.has(name)),
  // Its build for Node.js is CommonJS, which cannot be bundled into ES modules; this one is the same code.
  alias: { yaml: join(root, 'node_modules/yaml/browser/dist/index.js') },
  define: { POSTERN_VERSION: JSON.stringify(version), POSTERN_HELP: JSON.stringify(topLevelHelp()) },
  legalComments: 'linked',
  metafile: true,
  logLevel: 'warning',
});

const files = Object.keys(result.metafile.outputs);
removeStaleChunks(new Set([...files.map(file => basename(file)), ...copyData()]));
chmodSync(join(dist, 'postern.js'), 0o755);
const tookMs = Math.round(performance.now() - startedMs);
console.log(`dist/postern.js and ${files.length - 1} more files in ${tookMs} ms`);

/** Data that a module reads beside itself: once bundled, a module is in `chunks`. */
function copyData(): readonly string[] {
  const data = globSync('src/**/*.json', { cwd: root });
  const names = data.map(file => basename(file));
  if (new Set(names).size < names.length) throw new Error(`Two data files have one name: ${data.join(', ')}`);
  for (const file of data) copyFileSync(join(root, file), join(dist, 'chunks', basename(file)));
  return names;
}

/** Names carry a hash of the content, so what this build did not write is left from another one. */
function removeStaleChunks(current: ReadonlySet<string>): void {
  const chunks = join(dist, 'chunks');
  for (const file of readdirSync(chunks)) {
    if (!current.has(file)) rmSync(join(chunks, file));
  }
}
