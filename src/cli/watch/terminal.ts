/** `postern watch` before a person: a heading, a sentence for each thing that happens, and one live line. */

import type { Clock } from '../../clock.ts';
import { formatDuration } from '../../config/duration.ts';
import type { Config } from '../../config/index.ts';
import { type LogLevel, logLevels } from '../../log/levels.ts';
import { printable } from '../../plan/render/printable.ts';
import { formatDuration as inWords } from '../../plan/render/time.ts';
import { count } from '../../plan/render/words.ts';
import { wrap } from '../../plan/render/wrap.ts';
import type { WatchEvent } from '../../watch/events.ts';
import type { WatchStatus } from '../../watch/status.ts';
import { type Told, tell } from '../../watch/words.ts';
import type { Output, Style } from '../output.ts';
import { version } from '../version.ts';
import { Account, type Said } from './account.ts';

export interface TerminalOptions {
  readonly output: Output;
  readonly logLevel: LogLevel;
  readonly config: Config;
  /** Where the journal is; never a secret. */
  readonly journal: string;
  readonly clock: Clock;
  status(): WatchStatus;
}

const marks: Readonly<Record<LogLevel, readonly [Style, string]>> = {
  debug: ['dim', '·'],
  info: ['green', '✓'],
  warn: ['yellow', '!'],
  error: ['red', '✗'],
};
/** `12:34:56 ✓ ` stands before each sentence. */
const indent = ' '.repeat(11);
const narrowest = 40;
const shownGates = 12;
/** The live line counts seconds. */
const tickMs = 1_000;
/** It goes over all gates: where many things happen, not each of them draws it. */
const drawGapMs = 100;

export class Terminal {
  readonly #options: TerminalOptions;
  readonly #account = new Account();
  readonly #live;
  readonly #ticking: NodeJS.Timeout;
  readonly #ended = new AbortController();
  #isDrawDue = false;
  #url: string | undefined;
  #hasHeading = false;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.#live = options.output.live('starting');
    this.#ticking = setInterval(() => this.#draw(), tickMs).unref();
  }

  tell(event: WatchEvent): void {
    if (event.kind === 'started') this.#heading();
    const said = this.#account.hear(event) ?? this.#detail(event);
    if (said) this.#say(event.atMs, said);
    void this.#drawSoon();
  }

  undelivered({ level, message }: Told): void {
    this.#say(this.#options.clock.now(), { level, text: [message] });
  }

  listening(url: string): void {
    this.#url = url;
    if (this.#hasHeading) this.#options.output.note(`${indent}The API, metrics and health are at ${url}`);
  }

  end(): void {
    clearInterval(this.#ticking);
    this.#ended.abort();
    this.#live.end();
    if (!this.#hasHeading) return;
    const { startedAtMs, nowMs, totals } = this.#options.status();
    const did = [count(totals.runs, 'look'), count(totals.writes, 'write')].join(', ');
    this.#say(nowMs, { level: 'info', text: [`stopped after ${inWords(nowMs - startedAtMs)}: ${did}`] });
  }

  /** With `--log-level debug`: what is no news. */
  #detail(event: WatchEvent): Said | undefined {
    if (this.#options.logLevel !== 'debug') return undefined;
    return { level: 'debug', text: [tell(event).message] };
  }

  #heading(): void {
    this.#hasHeading = true;
    const { output, config, journal } = this.#options;
    const { watch, path } = config;
    const gates = config.gates.slice(0, shownGates);
    const wide = (pick: (gate: (typeof gates)[number]) => string) =>
      Math.max(...gates.map(gate => printable(pick(gate)).length));
    const [nameWidth, kindWidth] = [wide(({ name }) => name), wide(({ kind }) => kind)];
    const every = (ms: number) => (ms === 0 ? 'never' : `every ${formatDuration(ms)}`);
    const reads = `control plane ${every(watch.controlPlaneMs)}, nodes ${every(watch.nodesMs)}, gates ${every(watch.gatesMs)}`;
    const lines = [
      `${output.styleNote('bold', `Postern ${version()}`)} watches ${count(config.gates.length, 'gate')}:`,
      ...gates.map(
        ({ name, kind, policy, projects }) =>
          `  ${printable(name).padEnd(nameWidth)}  ${kind.padEnd(kindWidth)}  ${policy}${policy === 'observe' ? ': writes nothing' : ''}, for ${count(projects.length, 'project')}`,
      ),
      ...(config.gates.length > shownGates ? [`  and ${config.gates.length - shownGates} more`] : []),
      '',
      ...this.#labelled('reads', reads),
      ...(path === undefined ? [] : this.#labelled('config', path)),
      ...this.#labelled('journal', journal),
      ...(this.#url === undefined ? [] : this.#labelled('API', this.#url)),
      '',
    ];
    output.note(`${lines.join('\n')}\n`);
  }

  #labelled(label: string, text: string): readonly string[] {
    return wrap(text, this.#width).map((line, index) =>
      index === 0 ? `  ${label.padEnd(indent.length - 2)}${line}` : indent + line,
    );
  }

  /** Of what stands right of the indent. */
  get #width(): number {
    return Math.max(narrowest, this.#options.output.noteWidth) - indent.length;
  }

  #say(atMs: number, { level, text, remedy }: Said): void {
    const { output, logLevel } = this.#options;
    if (logLevels.indexOf(level) < logLevels.indexOf(logLevel)) return;
    const width = this.#width;
    const lines = text.flatMap(paragraph => wrap(paragraph, width));
    const remedies = remedy === undefined ? [] : wrap(remedy, width - toDo.length);
    const time = new Date(atMs).toTimeString().slice(0, 8);
    const block = [
      `${output.styleNote('dim', time)} ${output.styleNote(...marks[level])} ${lines[0]}`,
      ...lines.slice(1).map(line => indent + line),
      ...remedies.map((line, index) =>
        index === 0
          ? `${indent}${output.styleNote('bold', toDo)}${line}`
          : indent + ' '.repeat(toDo.length) + line,
      ),
    ].join('\n');
    if (level === 'warn' || level === 'error') output.warn(block);
    else output.note(block);
  }

  async #drawSoon(): Promise<void> {
    if (this.#isDrawDue) return;
    this.#isDrawDue = true;
    await this.#options.clock.sleep(drawGapMs, this.#ended.signal).catch(() => {});
    this.#isDrawDue = false;
    this.#draw();
  }

  #draw(): void {
    if (this.#ended.signal.aborted) return;
    const status = this.#options.status();
    this.#account.keepOnly(status);
    this.#live.update(liveLine(status, this.#account));
  }
}

const toDo = 'to do: ';

function liveLine(status: WatchStatus, { troubles, work }: Account): string {
  const { nowMs, state, gates, feeds } = status;
  if (state === 'stopping')
    return 'stopping: what is being written is finished first; Ctrl-C again ends at once';
  if (work !== undefined) return printable(work);
  const looks = [...feeds, ...gates].map(({ nextAtMs }) => nextAtMs);
  const next = Math.max(0, Math.round((Math.min(...looks) - nowMs) / 1_000));
  const [trouble, ...others] = troubles;
  const more = others.length > 0 ? ` · ${others.length} more` : '';
  const inStep = gates.filter(({ coverage }) => coverage === 'let-in').length;
  const how =
    trouble === undefined
      ? `all is well: ${inStep} of ${count(gates.length, 'gate')} ${inStep === 1 ? 'lets' : 'let'} Atlas in`
      : `${trouble.what} for ${inWords(nowMs - trouble.sinceMs)}${more}`;
  return printable(`${how} · next look in ${next} s`);
}
