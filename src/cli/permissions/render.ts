/** The rights to set up, as a script for a shell, as JSON, or as Terraform. Pure. */
import type { Grant } from '../../gates/grant.ts';
import { wrap } from '../../plan/render/wrap.ts';

/** The grants of one gate, or of Atlas. */
export interface Subject {
  /** Such as `payments (azure-key-vault)`. */
  readonly about: string;
  readonly gate?: { readonly name: string; readonly kind: string };
  readonly grants: readonly Grant[];
}

const commentWidth = 100;

/** Every line that is no command is a comment, so that the whole can be pasted, or kept as a file. */
export function renderScript(subjects: readonly Subject[]): string {
  return subjects.flatMap(({ about, grants }) => grants.map(grant => scriptOf(about, grant))).join('\n\n');
}

function scriptOf(about: string, { title, notes, document, commands }: Grant): string {
  return [
    ...comment(`${about}: ${title}`, '# '),
    ...notes.flatMap(note => comment(note, '#   ')),
    ...(document ? documentLines(document, commands.length > 0) : []),
    ...commands,
  ].join('\n');
}

/** A document that no command takes is there to be looked at. */
function documentLines({ file, json }: NonNullable<Grant['document']>, isUsed: boolean): readonly string[] {
  const text = JSON.stringify(json, null, 2);
  return isUsed ? [`cat > ${file} <<'JSON'`, text, 'JSON'] : text.split('\n').map(line => `#   ${line}`);
}

export function renderTerraform(subjects: readonly Subject[]): string {
  return subjects
    .flatMap(({ about, grants }) =>
      grants.map(({ title, notes, terraform }) =>
        [
          ...comment(`${about}: ${title}`, '# '),
          ...notes.flatMap(note => comment(note, '#   ')),
          terraform,
        ].join('\n'),
      ),
    )
    .join('\n\n');
}

export function permissionsJson(subjects: readonly Subject[]): object {
  return {
    subjects: subjects.map(({ about, gate, grants }) => ({
      about,
      gate: gate?.name ?? null,
      kind: gate?.kind ?? null,
      grants: grants.map(({ title, notes, document, commands }) => ({
        title,
        notes,
        document: document?.json ?? null,
        commands,
      })),
    })),
  };
}

function comment(text: string, prefix: string): readonly string[] {
  return wrap(text, commentWidth - prefix.length).map(line => `${prefix}${line}`);
}
