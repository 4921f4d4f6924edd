import type { Config } from './config.ts';
import { ConfigError, configErrorOf } from './errors.ts';
import { parseConfig } from './parse.ts';
import type { FileReader } from './secret-reference.ts';
import { type ConfigOverrides, toConfig } from './to-config.ts';
import { urlFault } from './urls.ts';

export interface LoadOptions {
  /** From `--config`. */
  readonly path?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly files: Pick<FileReader, 'readText'>;
  readonly overrides?: ConfigOverrides;
}

const usualPaths = ['postern.yaml', 'postern.yml'] as const;

/**
 * Reads the config: the file that `--config` names, or POSTERN_CONFIG, or `postern.yaml` or `postern.yml` in
 * the working directory. Without any file everything is at its default and there are no gates.
 *
 * @throws ConfigError with every fault of the file, or when a file that was named cannot be read
 */
export function loadConfig({ path, env, files, overrides = {} }: LoadOptions): Config {
  checkEnvironment(env);
  const named = path ?? (env.POSTERN_CONFIG || undefined);
  const found = named === undefined ? findUsual(files) : { path: named, text: readNamed(named, files) };
  if (!found) return toConfig({}, undefined, overrides, env);
  const parsed = parseConfig(found.text, found.path);
  if (!parsed.ok) throw configErrorOf(found.path, parsed.issues);
  return toConfig(parsed.text, found.path, overrides, env);
}

function findUsual(files: LoadOptions['files']): { path: string; text: string } | undefined {
  for (const path of usualPaths) {
    try {
      return { path, text: files.readText(path) };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(path, cause);
    }
  }
  return undefined;
}

function readNamed(path: string, files: LoadOptions['files']): string {
  try {
    return files.readText(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): ConfigError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  const what = code === 'ENOENT' ? 'there is no such file' : code;
  return new ConfigError(`The config ${path} cannot be read: ${what}.`, {
    remedy: 'Check --config and POSTERN_CONFIG, and that the file may be read.',
    cause,
  });
}

function checkEnvironment(env: NodeJS.ProcessEnv): void {
  const fault = env.MONGODB_ATLAS_BASE_URL ? urlFault(env.MONGODB_ATLAS_BASE_URL) : undefined;
  if (!fault) return;
  throw new ConfigError(`MONGODB_ATLAS_BASE_URL: ${fault.message}`, {
    remedy: fault.remedy ?? 'Mend it, or unset it.',
  });
}
