/** Terraform's own word on what we write for it, where it is on the PATH. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';

const isThere = spawnSync('terraform', ['version']).status === 0;

/** Skips its tests, and says what for, where there is no Terraform. */
export function describeTerraform(title: string, tests: () => void): void {
  if (isThere) describe(title, tests);
  else describe.skip(`${title} (skipped: terraform is not on the PATH)`, tests);
}

/** What `terraform fmt -check -diff` finds in a file; empty when it would leave it as it is. Throws on a syntax error. */
export function fmtFaults(text: string): string {
  const { status, stdout, stderr } = terraform(folderWith({ 'main.tf': text }), ['fmt', '-check', '-diff']);
  if (status !== 0 && status !== 3) throw new Error(stderr);
  return stdout;
}

export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-terraform-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

export function terraform(folder: string, args: readonly string[]) {
  const env = { ...process.env, CHECKPOINT_DISABLE: '1', TF_CLI_CONFIG_FILE: '/dev/null' };
  return spawnSync('terraform', args, { cwd: folder, encoding: 'utf8', env });
}
