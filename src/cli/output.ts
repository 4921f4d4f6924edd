/** Everything that a command prints goes through here: secrets are taken out, colours and width are decided. */
import { styleText } from 'node:util';
import { redactInJson, redactSecrets } from '../secret.ts';
import { fitTo } from './fit.ts';
import { renderTable, type TableColumn } from './table.ts';

export type Style = Parameters<typeof styleText>[0];

export interface OutputStream {
  write(text: string): unknown;
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface OutputOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: NodeJS.ProcessEnv;
  readonly json: boolean;
  readonly quiet: boolean;
  /** False for `--no-color`. */
  readonly color: boolean;
}

/** One piece of long work, shown while it goes on. */
export interface Step {
  update(text: string): void;
  done(text: string): void;
  fail(text: string): void;
}

export interface LiveLine {
  update(text: string): void;
  end(): void;
}

const defaultWidth = 100;
const clearLine = '\r\u001b[2K';

export class Output {
  readonly isJson: boolean;
  readonly isQuiet: boolean;
  readonly #stdout: SafeStream;
  readonly #stderr: SafeStream;
  readonly #styleStdout: boolean;
  readonly #styleStderr: boolean;
  /** The steps that go on, oldest first; the terminal's last line shows the newest. */
  readonly #steps: { text: string }[] = [];

  constructor({ stdout, stderr, env, json, quiet, color }: OutputOptions) {
    this.isJson = json;
    this.isQuiet = quiet;
    this.#stdout = new SafeStream(stdout);
    this.#stderr = new SafeStream(stderr);
    this.#styleStdout = hasColor(stdout, env, color);
    this.#styleStderr = hasColor(stderr, env, color);
  }

  /** The terminal's width, or a usual one. */
  get width(): number {
    return this.#stdout.columns ?? defaultWidth;
  }

  /** The same of stderr. */
  get noteWidth(): number {
    return this.#stderr.columns ?? defaultWidth;
  }

  /** Whether stdout shows colours: for renderers that style their own text. */
  get hasColor(): boolean {
    return this.#styleStdout;
  }

  /** The result: on stdout, with a newline. */
  print(text: string): void {
    this.#hideLive();
    this.#stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    this.#showLive();
  }

  /** A result in sentences: like `print`, and on a terminal no line is wider than it. */
  say(text: string): void {
    this.print(this.#stdout.columns === undefined ? text : fitTo(text, this.#stdout.columns));
  }

  /** The result as JSON, on stdout. */
  json(value: unknown): void {
    this.print(JSON.stringify(value, redactInJson, 2));
  }

  table(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): void {
    // Into a pipe a table is not cut: what reads it has no width.
    const width = this.#stdout.isTTY ? this.width : Number.POSITIVE_INFINITY;
    this.print(renderTable(columns, rows, width, text => this.style('bold', text)));
  }

  /** What a person may want to know beside the result: on stderr, not with `--quiet`. */
  note(text: string): void {
    if (!this.isQuiet) this.warn(text);
  }

  /** What a person must know beside the result: on stderr, always. */
  warn(text: string): void {
    const fitted = this.#stderr.columns === undefined ? text : fitTo(text, this.#stderr.columns);
    this.#hideLive();
    this.#stderr.write(fitted.endsWith('\n') ? fitted : `${fitted}\n`);
    this.#showLive();
  }

  /** For text that goes to stdout. */
  style(format: Style, text: string): string {
    return this.#styleStdout ? styleText(format, text, { validateStream: false }) : text;
  }

  /** For text that goes to stderr. */
  styleNote(format: Style, text: string): string {
    return this.#styleStderr ? styleText(format, text, { validateStream: false }) : text;
  }

  /**
   * Shows that long work goes on, on stderr: one live line on a terminal, a line at its beginning and its end
   * elsewhere, nothing with `--quiet`.
   */
  step(text: string): Step {
    const mark = (style: Style, sign: string, line: string) => `${this.styleNote(style, sign)} ${line}`;
    const step = { text };
    if (!this.#isLive) this.note(`… ${text}`);
    this.#change(() => this.#steps.push(step));
    const end = (line: string) => {
      this.#change(() => {
        const index = this.#steps.indexOf(step);
        if (index !== -1) this.#steps.splice(index, 1);
      });
      this.note(line);
    };
    return {
      update: next => this.#change(() => (step.text = next)),
      done: line => end(mark('green', '✓', line)),
      fail: line => end(mark('red', '✗', line)),
    };
  }

  /** One live line on a terminal's stderr, for as long as it goes on; nothing elsewhere. */
  live(text: string): LiveLine {
    const step = { text };
    this.#change(() => this.#steps.push(step));
    return {
      update: next => {
        if (next !== step.text) this.#change(() => (step.text = next));
      },
      end: () => this.#change(() => this.#steps.splice(this.#steps.indexOf(step), 1)),
    };
  }

  #change(change: () => unknown): void {
    this.#hideLive();
    change();
    this.#showLive();
  }

  get #isLive(): boolean {
    return !this.isQuiet && this.#stderr.isTTY;
  }

  #showLive(): void {
    const text = this.#steps.at(-1)?.text;
    if (!this.#isLive || text === undefined) return;
    const room = Math.max(10, (this.#stderr.columns ?? 80) - 3);
    this.#stderr.write(`${clearLine}… ${text.length > room ? `${text.slice(0, room - 1)}…` : text}`);
  }

  #hideLive(): void {
    if (this.#isLive && this.#steps.length > 0) this.#stderr.write(clearLine);
  }
}

/** A stream whose reader may go away: a run that writes to a gate goes on all the same. */
class SafeStream {
  readonly #stream: OutputStream;
  #closed = false;

  constructor(stream: OutputStream) {
    this.#stream = stream;
    stream.on('error', error => {
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
      this.#closed = true;
    });
  }

  get isTTY(): boolean {
    return this.#stream.isTTY === true;
  }

  get columns(): number | undefined {
    return this.isTTY && this.#stream.columns ? this.#stream.columns : undefined;
  }

  write(text: string): void {
    if (!this.#closed) this.#stream.write(redactSecrets(text));
  }
}

/** `--no-color` and NO_COLOR (no-color.org) say no, FORCE_COLOR says yes, otherwise the terminal decides. */
function hasColor(stream: OutputStream, env: NodeJS.ProcessEnv, allowed: boolean): boolean {
  if (!allowed || env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return stream.isTTY === true && env.TERM !== 'dumb';
}
