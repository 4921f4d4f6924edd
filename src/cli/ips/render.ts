/** The list of addresses in each of its formats. */
import type { Address } from '../../address/address.ts';
import type { Observation } from '../../atlas/observation.ts';
import type { Output } from '../output.ts';
import { provenanceFields, provenanceTitles } from './select.ts';

export const ipsFormats = ['table', 'json', 'text', 'csv', 'yaml', 'tfvars'] as const;
export type IpsFormat = (typeof ipsFormats)[number];

export interface IpsResult {
  readonly addresses: readonly Address[];
  readonly observations: readonly Observation[];
}

const renderers: Readonly<Record<IpsFormat, (output: Output, result: IpsResult) => void>> = {
  table: printTable,
  json: printJson,
  text: (output, result) => printLines(output, cidrsOf(result)),
  csv: (output, result) => output.print(toCsv(result)),
  yaml: (output, result) => output.print(toYaml(result)),
  tfvars: (output, result) => output.print(toTfvars(result)),
};

export function renderIps(output: Output, format: IpsFormat, result: IpsResult): void {
  renderers[format](output, result);
}

function printTable(output: Output, result: IpsResult): void {
  const rows = result.addresses.map(({ cidr, provenance }) => [cidr, ...provenanceFields(provenance)]);
  const used = provenanceTitles.map((_, index) => rows.some(row => row[index + 1] !== ''));
  const columns = [
    { title: 'Address' },
    ...provenanceTitles.map(name => ({ title: `${name[0]!.toUpperCase()}${name.slice(1)}`, shrinks: true })),
  ];
  const kept = (_: unknown, index: number) => index === 0 || used[index - 1] === true;
  if (rows.length === 0) output.note('No address matches.');
  else
    output.table(
      columns.filter(kept),
      rows.map(row => row.filter(kept)),
    );
  output.note(`${cidrsOf(result).length} addresses`);
}

function printJson(output: Output, { addresses, observations }: IpsResult): void {
  output.json({
    complete: observations.every(({ complete }) => complete),
    observations: observations.map(({ feed, atMs, complete, faults, findings }) => ({
      feed,
      at: new Date(atMs).toISOString(),
      complete,
      faults,
      findings,
    })),
    addresses: addresses.map(({ cidr, provenance }) => ({ cidr, ...provenance })),
  });
}

function printLines(output: Output, lines: readonly string[]): void {
  if (lines.length > 0) output.print(lines.join('\n'));
}

/** RFC 4180, with the line ends of Unix. */
function toCsv({ addresses }: IpsResult): string {
  const rows = addresses.map(({ cidr, provenance }) => [cidr, ...provenanceFields(provenance)]);
  return [['address', ...provenanceTitles], ...rows].map(row => row.map(csvField).join(',')).join('\n');
}

function csvField(value: string): string {
  // A spreadsheet takes text that begins like this for a formula, and names in it are other people's.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** JSON's strings are YAML's. */
function toYaml(result: IpsResult): string {
  const lines = cidrsOf(result).map(cidr => `  - ${JSON.stringify(cidr)}`);
  return `${warning(result)}atlas_addresses:${lines.length === 0 ? ' []' : `\n${lines.join('\n')}`}`;
}

function toTfvars(result: IpsResult): string {
  const lines = cidrsOf(result).map(cidr => `  ${JSON.stringify(cidr)},\n`);
  return `${warning(result)}atlas_addresses = [\n${lines.join('')}]`;
}

/** Stays with the file after the exit code is forgotten. */
function warning({ observations }: IpsResult): string {
  const incomplete = observations.filter(({ complete }) => !complete).map(({ feed }) => feed);
  return incomplete.length === 0
    ? ''
    : `# INCOMPLETE: not everything could be read of ${incomplete.join(', ')}\n`;
}

/** Each address once, in the order of the list, which is sorted. */
function cidrsOf({ addresses }: IpsResult): readonly string[] {
  return [...new Set(addresses.map(({ cidr }) => cidr))];
}
