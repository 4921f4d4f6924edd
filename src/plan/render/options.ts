/** What a renderer is told beside the plans. */
export interface RenderOptions {
  /** Whether ANSI colours may be used; only the text for terminals has any. */
  readonly color: boolean;
  /** The widest line, in columns; `Infinity` never wraps. Only the text for terminals has lines to wrap. */
  readonly width: number;
  /** Every entry and every finding, instead of a few and a count. */
  readonly verbose: boolean;
  /** What countdowns and ages count from, in epoch milliseconds. */
  readonly nowMs: number;
  /** What comes next, instead of what the plans say; false where it is asked at once. For terminals only. */
  readonly next?: string | false;
}
