import type { Secret } from '../../secret.ts';

/** Whether the secret is another one by now. One that cannot be read just now is not. */
export function isRotated(now: () => Secret, before: string | undefined): boolean {
  try {
    return now().reveal() !== before;
  } catch {
    return false;
  }
}
