/** From facts to sections, in the order in which a person mends things. Pure. */
import type { AtlasFacts, GateFacts, ProjectFacts, SetupFacts } from './facts.ts';
import { type Section, sectionOf } from './report.ts';
import { atlasFindings } from './rules/atlas.ts';
import { gateFindings } from './rules/gate.ts';
import { projectFindings, providersOf } from './rules/project.ts';
import { setupFindings } from './rules/setup.ts';

export interface Facts {
  readonly setup: SetupFacts;
  /** Undefined where the config could not be read: there is nobody to ask, and nothing to ask about. */
  readonly atlas: AtlasFacts | undefined;
  readonly projects: readonly ProjectFacts[];
  readonly gates: readonly GateFacts[];
}

export function diagnose({ setup, atlas, projects, gates }: Facts, nowMs: number): readonly Section[] {
  return tellOnce([
    sectionOf('setup', '', setupTitle(setup), setupFindings(setup, nowMs)),
    ...(atlas ? [sectionOf('atlas', '', atlasTitle(atlas), atlasFindings(atlas, nowMs))] : []),
    ...projects.map(project =>
      sectionOf('project', project.id, projectTitle(project), projectFindings(project, nowMs)),
    ),
    ...gates.map(gate =>
      sectionOf(
        'gate',
        gate.config.name,
        `Gate ${gate.config.name} (${gate.config.kind})`,
        gateFindings(gate),
      ),
    ),
  ]);
}

/** A gate's plan also holds what its feeds told, and several gates have a feed in common. */
function tellOnce(sections: readonly Section[]): readonly Section[] {
  const told = new Set<string>();
  return sections.map(section => ({
    ...section,
    findings: section.findings.filter(({ id, message }) => {
      const key = `${id} ${message}`;
      return !told.has(key) && told.add(key);
    }),
  }));
}

function setupTitle({ config, journal }: SetupFacts): string {
  const parts = [
    config.known ? (config.value.path ?? 'no config') : 'the config cannot be read',
    journal?.known ? `journal ${journal.value.location}` : undefined,
  ];
  return `Setup: ${parts.filter(Boolean).join(', ')}`;
}

function atlasTitle({ projects, credentials }: AtlasFacts): string {
  const by = credentials.known && credentials.value !== 'none' ? ` as ${credentials.value}` : '';
  if (!projects?.known) return `Atlas${by}`;
  return `Atlas${by}, ${projects.value} ${projects.value === 1 ? 'project' : 'projects'} visible`;
}

function projectTitle({ id, name, encryption }: ProjectFacts): string {
  return `Project ${name === undefined ? id : `${name} (${id})`}: ${providersOf(encryption)}`;
}
