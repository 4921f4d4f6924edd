/** Secrets stand in a config by reference only, and are read when they are used. */
import { isAbsolute, resolve } from 'node:path';
import type { Finding } from '../finding.ts';
import { Secret } from '../secret.ts';
import { ConfigError } from './errors.ts';

export type SecretReference =
  | { readonly kind: 'env'; readonly name: string; readonly text: string }
  | { readonly kind: 'file'; readonly path: string; readonly text: string };

/** The files of this machine, handed in. Both throw Node's own error when the file cannot be read. */
export interface FileReader {
  readText(path: string): string;
  /** The permission bits, such as 0o644; undefined where the platform has none. */
  modeOf(path: string): number | undefined;
}

/** Reads `env:NAME` or `file:PATH`; undefined when the text is neither. */
export function parseSecretReference(text: string, folder: string): SecretReference | undefined {
  const name = /^env:([A-Za-z_][A-Za-z0-9_]*)$/.exec(text)?.[1];
  if (name !== undefined) return { kind: 'env', name, text };
  const path = /^file:([^\0\n\r]+)$/.exec(text)?.[1]?.trim();
  if (!path) return undefined;
  return { kind: 'file', path: isAbsolute(path) ? path : resolve(folder, path), text };
}

/**
 * The secret that a reference stands for. A file's last line break is not part of it.
 *
 * @returns the secret, and a warning where everyone on this machine can read its file
 * @throws ConfigError when the variable is unset or empty, or the file cannot be read or is empty
 */
export function resolveSecret(
  reference: SecretReference,
  env: NodeJS.ProcessEnv,
  files: FileReader,
): { readonly secret: Secret; readonly findings: readonly Finding[] } {
  if (reference.kind === 'env') {
    const value = env[reference.name];
    if (!value?.trim()) {
      throw new ConfigError(
        `The secret ${reference.text} is not there: the environment variable ${reference.name} is ${value === undefined ? 'not set' : 'empty'}.`,
        { remedy: `Set ${reference.name}, or name another place for the secret in the config.` },
      );
    }
    return { secret: new Secret(value.trim(), reference.text), findings: [] };
  }
  const value = readSecretFile(reference, files);
  return { secret: new Secret(value, reference.text), findings: openToAll(reference, files) };
}

function readSecretFile(reference: SecretReference & { kind: 'file' }, files: FileReader): string {
  let text: string;
  try {
    text = files.readText(reference.path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new ConfigError(`The secret ${reference.text} cannot be read from ${reference.path} (${code}).`, {
      remedy: 'Check the path, and that the user who runs Postern may read the file.',
      cause,
    });
  }
  const value = text.trim();
  if (value === '' || /[\r\n\0]/.test(value)) {
    throw new ConfigError(
      `The secret ${reference.text} is not one: ${reference.path} ${value === '' ? 'is empty' : 'has more than one line'}.`,
      { remedy: 'Put the secret alone into the file, on one line.' },
    );
  }
  return value;
}

function openToAll(reference: SecretReference & { kind: 'file' }, files: FileReader): readonly Finding[] {
  const mode = files.modeOf(reference.path);
  if (mode === undefined || (mode & 0o004) === 0) return [];
  return [
    {
      id: 'secret-file-world-readable',
      severity: 'warning',
      message: `Everyone on this machine can read the secret file ${reference.path}.`,
      remedy: `Run: chmod 600 ${reference.path}`,
    },
  ];
}
