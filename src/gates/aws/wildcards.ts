/** Patterns as IAM has them: `*` for any characters, `?` for exactly one (IAM guide, "Condition operators"). */
import { type Truth, truthOf } from './truth.ts';

/** Whether the whole text fits the pattern. Linear in practice, and never worse than pattern × text. */
export function fits(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let starAt = 0;
  let p = 0;
  while (at < text.length) {
    // A star first: the text may hold one too.
    if (pattern[p] === '*') {
      star = p++;
      starAt = at;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[at])) {
      p++;
      at++;
    } else if (star >= 0) {
      p = star + 1;
      at = ++starAt;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** `${aws:username}` and its like are filled in by AWS, from what Postern does not know. */
export function hasVariable(pattern: string): boolean {
  return pattern.includes('${');
}

/**
 * ARNs are compared part by part, each of the six with its own wildcards (IAM guide, "ARN condition
 * operators"). Where only the text as a whole would fit, AWS's answer is not known.
 */
export function arnFits(pattern: string, text: string): Truth {
  if (hasVariable(pattern)) return 'unknown';
  if (pattern === '*' || pattern === text) return 'yes';
  if (!fits(pattern, text)) return 'no';
  const patterns = sixParts(pattern);
  const parts = sixParts(text);
  if (patterns.length !== 6 || parts.length !== 6) return 'unknown';
  return patterns.every((part, at) => fits(part, parts[at]!)) ? 'yes' : 'unknown';
}

function sixParts(arn: string): readonly string[] {
  const parts = arn.split(':');
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')];
}

/** Actions ignore case (IAM guide, "Action"). */
export function actionFits(pattern: string, action: string): Truth {
  if (hasVariable(pattern)) return 'unknown';
  return truthOf(fits(pattern.toLowerCase(), action.toLowerCase()));
}
