import type { FileReader } from '../../src/config/index.ts';

export const vaultId =
  '/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/atlas-keys';
export const projectId = '64f0c1a2b3d4e5f601234567';

/** Files that exist only in a test. */
export function filesOf(files: Readonly<Record<string, string>>, mode = 0o600): FileReader {
  return {
    readText(path) {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error(`${path} is not there`), { code: 'ENOENT' });
      return text;
    },
    modeOf: () => mode,
  };
}

/** The smallest gate, with more lines in it. */
export function gateYaml(...lines: readonly string[]): string {
  return [
    'gates:',
    '  - name: production',
    '    kind: azure-key-vault',
    `    vault: ${vaultId}`,
    `    projects: [${projectId}]`,
    ...lines.map(line => `    ${line}`),
  ].join('\n');
}
