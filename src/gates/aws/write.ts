/**
 * How both AWS gates write: look, compose, send once, and look again until AWS shows what was sent several
 * times running. AWS is eventually consistent ("some changes may not be immediately visible": IAM and KMS
 * guides), so one look that shows it may be followed by one that does not.
 */
import { type Clock, msLeft } from '../../clock.ts';
import { type GateError, type GateState, GateUnverifiedError } from '../gate.ts';
import { isAwsError, isThrottled, mayHaveTakenEffect } from './aws-error.ts';
import { messageOf } from './errors.ts';

export interface Writing<Own> {
  readonly gate: string;
  /** What is written, as the subject of a sentence: `The key's policy`. */
  readonly noun: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** What AWS holds now. Throws a GateError. */
  look(): Promise<Own>;
  /** The text to send, made from a fresh look. Throws a GateError when nothing may be written. */
  compose(fresh: Own): string;
  send(text: string): Promise<void>;
  /** Whether AWS shows the text, by meaning. */
  shows(own: Own, text: string): boolean;
  /** What AWS's refusal means. */
  explainRefusal(error: unknown, fresh: Own): GateError;
  /** Why what AWS shows is not the text, and the state where it can be told. */
  describeDifference(own: Own, text: string): { readonly what: string; readonly state?: GateState };
}

const maxAttempts = 4;
const firstConflictWaitMs = 1_000;
/** Terraform's provider waits for 5 equal reads, 1 s apart; KMS "in some cases" takes several minutes. */
const equalLooksNeeded = 3;
const lookGapMs = 1_000;
/** After so many looks in vain the gap grows, up to this. */
const patientAfterLooks = 10;
const maxLookGapMs = 15_000;
const giveUpAfterMs = 3 * 60_000;

/** Gives what AWS shows in the end. Throws a GateError; a `GateUnverifiedError` when a write may have happened. */
export async function write<Own>(writing: Writing<Own>): Promise<Own> {
  for (let attempt = 1; ; attempt++) {
    const fresh = await writing.look();
    const text = writing.compose(fresh);
    try {
      await writing.send(text);
    } catch (error) {
      // Turned away unread, or (IAM) another change of the role is under way: looked at anew, and sent again.
      if ((isThrottled(error) || isAwsError(error, 'ConcurrentModification')) && attempt < maxAttempts) {
        await writing.clock.sleep(firstConflictWaitMs * 2 ** attempt * (0.5 + writing.random() / 2));
        continue;
      }
      if (!mayHaveTakenEffect(error)) throw writing.explainRefusal(error, fresh);
      return await findOut(writing, text, error);
    }
    return await readBack(writing, text);
  }
}

async function readBack<Own>(writing: Writing<Own>, text: string): Promise<Own> {
  const { own, isShown } = await lookUntilShown(writing, text);
  if (isShown) return own;
  const { what, state } = writing.describeDifference(own, text);
  throw new GateUnverifiedError(
    writing.gate,
    `${writing.noun} was written, and AWS does not show it as it was sent: ${what}`,
    {
      ...(state && { state }),
      remedy: 'Someone else may have written at the same time: see `postern plan`.',
    },
  );
}

/** The answer to a write never came: whether it took effect is what AWS shows now. It is not sent again. */
async function findOut<Own>(writing: Writing<Own>, text: string, cause: unknown): Promise<Own> {
  const { own, isShown } = await lookUntilShown(writing, text, cause);
  if (isShown) return own;
  // No state is given: a stale look could show the old list though the write took effect.
  throw new GateUnverifiedError(
    writing.gate,
    `${writing.noun} was sent, the answer did not come (${messageOf(cause)}), and AWS does not show it.`,
    { cause, remedy: 'The next run looks again and carries on from what AWS holds.' },
  );
}

async function lookUntilShown<Own>(
  writing: Writing<Own>,
  text: string,
  cause?: unknown,
): Promise<{ readonly own: Own; readonly isShown: boolean }> {
  const { clock } = writing;
  const deadlineMs = clock.now() + giveUpAfterMs;
  for (let looks = 1, equal = 0; ; looks++) {
    const own = await lookAgain(writing, cause);
    equal = writing.shows(own, text) ? equal + 1 : 0;
    if (equal === equalLooksNeeded) return { own, isShown: true };
    // Twice as long, so that a clock that is put right by seconds ends nothing.
    if (msLeft(deadlineMs, clock.now(), 2 * giveUpAfterMs) === 0) return { own, isShown: false };
    await clock.sleep(Math.min(maxLookGapMs, lookGapMs * 2 ** Math.max(0, looks - patientAfterLooks)));
  }
}

async function lookAgain<Own>(writing: Writing<Own>, cause: unknown): Promise<Own> {
  try {
    return await writing.look();
  } catch (error) {
    throw new GateUnverifiedError(
      writing.gate,
      `${writing.noun} was sent, and what AWS holds now cannot be read: ${messageOf(error)}`,
      { cause: cause ?? error, remedy: 'The next run looks again and carries on from what AWS holds.' },
    );
  }
}
