/** What every command that works on gates says alike. Pure. */

/** A message that has to tell of which gate it is; most do by themselves. */
export function namingGate(gate: string, message: string): string {
  return message.toLowerCase().includes(`gate ${gate}`.toLowerCase()) ? message : `${gate}: ${message}`;
}

/** What a write is about to do: `3 to add, 2 to remove`. */
export function writeInWords(adds: number, removes: number): string {
  return (
    [adds > 0 && `${adds} to add`, removes > 0 && `${removes} to remove`].filter(Boolean).join(', ') ||
    'the same list'
  );
}

export const askingAtlas = 'asking Atlas whether its key still works';
