/** The resource names of the gate, strictly read. */
export interface LevelName {
  /** `accessPolicies/NUMBER/accessLevels/NAME` */
  readonly level: string;
  /** `accessPolicies/NUMBER` */
  readonly policy: string;
  /** The level's own part of its name. */
  readonly id: string;
}

/** At most 50 characters, a letter first (discovery document, `AccessLevel.name`). */
const pattern = /^(accessPolicies\/\d+)\/accessLevels\/([A-Za-z][A-Za-z0-9_]{0,49})$/;
const perimeterPattern = /^(accessPolicies\/\d+)\/servicePerimeters\/[A-Za-z][A-Za-z0-9_]*$/;

/** Throws an Error that says what such a name looks like. */
export function parseLevelName(text: string): LevelName {
  const [, policy, id] = pattern.exec(text) ?? [];
  if (policy === undefined || id === undefined) {
    throw new Error(
      `${JSON.stringify(text)} is not the name of an access level: accessPolicies/NUMBER/accessLevels/NAME was expected.`,
    );
  }
  return { level: text, policy, id };
}

/** Throws an Error when it is no perimeter, or one of another access policy, which cannot know the level. */
export function checkPerimeterName(text: string, { policy, level }: LevelName): void {
  const [, perimeterPolicy] = perimeterPattern.exec(text) ?? [];
  if (perimeterPolicy === undefined) {
    throw new Error(
      `${JSON.stringify(text)} is not the name of a perimeter: accessPolicies/NUMBER/servicePerimeters/NAME was expected.`,
    );
  }
  if (perimeterPolicy !== policy) {
    throw new Error(
      `${text} is in another access policy than ${level}, and a perimeter can use levels of its own policy only.`,
    );
  }
}
