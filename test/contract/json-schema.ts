/**
 * Judges a value by a schema of OpenAPI 3.0, as far as Atlas's description uses it: type, nullable, required,
 * properties, items, enum, pattern, the bounds, allOf, oneOf with its discriminator, and local references.
 * Properties that the schema lacks pass: live answers have them too. A keyword that is not known throws.
 */
export interface Schema {
  readonly [keyword: string]: any;
}

const known = new Set([
  '$ref',
  'type',
  'nullable',
  'required',
  'properties',
  'additionalProperties',
  'items',
  'enum',
  'pattern',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'uniqueItems',
  'allOf',
  'oneOf',
  'discriminator',
  'format',
]);
const annotations = /^(description|title|example|default|readOnly|writeOnly|deprecated|externalDocs|x-.*)$/;

/**
 * @param judged the schemas that this same value is being judged by: a form names the schema whose form it is
 * @returns a sentence for each fault, with the place in the value; none when the value is as described.
 */
export function faultsOf(
  document: Schema,
  schema: Schema,
  value: unknown,
  place = '$',
  judged: ReadonlySet<Schema> = new Set(),
): readonly string[] {
  if (judged.has(schema)) return [];
  const inside = new Set([...judged, schema]);
  const unknown = Object.keys(schema).find(keyword => !known.has(keyword) && !annotations.test(keyword));
  if (unknown !== undefined) throw new Error(`this validator does not know the keyword ${unknown}`);
  if (schema.$ref) return faultsOf(document, resolve(document, schema.$ref), value, place, inside);
  if (value === null) return schema.nullable ? [] : [`${place} is null`];
  // Atlas's description calls a choice between enumerations of texts an object.
  if (!schema.oneOf && !hasType(schema.type, value)) return [`${place} is no ${schema.type}`];
  return [
    ...scalarFaults(schema, value, place),
    ...objectFaults(document, schema, value, place),
    ...listFaults(document, schema, value, place),
    ...(schema.allOf ?? []).flatMap((part: Schema) => faultsOf(document, part, value, place, inside)),
    ...choiceFaults(document, schema, value, place, inside),
  ];
}

function hasType(type: string | undefined, value: unknown): boolean {
  switch (type) {
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && !Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return type === undefined || typeof value === type;
  }
}

function scalarFaults(schema: Schema, value: unknown, place: string): readonly string[] {
  const faults: string[] = [];
  if (schema.enum && !schema.enum.includes(value)) faults.push(`${place} is none of ${schema.enum}`);
  if (typeof value === 'string') {
    if (schema.pattern && !new RegExp(schema.pattern, 'u').test(value))
      faults.push(`${place} is not ${schema.pattern}`);
    if (value.length < (schema.minLength ?? 0)) faults.push(`${place} is too short`);
    if (value.length > (schema.maxLength ?? Number.POSITIVE_INFINITY)) faults.push(`${place} is too long`);
    if (schema.format === 'date-time' && !isDateTime(value)) faults.push(`${place} is no date-time`);
  }
  if (typeof value === 'number') {
    if (value < (schema.minimum ?? Number.NEGATIVE_INFINITY)) faults.push(`${place} is too small`);
    if (value > (schema.maximum ?? Number.POSITIVE_INFINITY)) faults.push(`${place} is too large`);
  }
  return faults;
}

const isDateTime = (text: string) => /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text));

function objectFaults(document: Schema, schema: Schema, value: unknown, place: string): readonly string[] {
  if (typeof value !== 'object' || Array.isArray(value)) return [];
  const members = value as Record<string, unknown>;
  const missing = (schema.required ?? []).filter((name: string) => !Object.hasOwn(members, name));
  return [
    ...missing.map((name: string) => `${place}.${name} is missing`),
    ...Object.entries(members).flatMap(([name, member]) => {
      const described = schema.properties?.[name] ?? schema.additionalProperties;
      return typeof described === 'object' ? faultsOf(document, described, member, `${place}.${name}`) : [];
    }),
  ];
}

function listFaults(document: Schema, schema: Schema, value: unknown, place: string): readonly string[] {
  if (!Array.isArray(value)) return [];
  const distinct = new Set(value.map(item => JSON.stringify(item)));
  return [
    ...(value.length < (schema.minItems ?? 0) ? [`${place} has too few items`] : []),
    ...(value.length > (schema.maxItems ?? Number.POSITIVE_INFINITY) ? [`${place} has too many items`] : []),
    ...(schema.uniqueItems && distinct.size < value.length ? [`${place} has an item twice`] : []),
    ...value.flatMap((item, index) => faultsOf(document, schema.items ?? {}, item, `${place}[${index}]`)),
  ];
}

function choiceFaults(
  document: Schema,
  schema: Schema,
  value: unknown,
  place: string,
  judged: ReadonlySet<Schema>,
): readonly string[] {
  if (!schema.oneOf) return [];
  const { propertyName, mapping } = schema.discriminator ?? {};
  const chosen = mapping?.[(value as Record<string, string>)[propertyName] ?? ''];
  if (chosen) return faultsOf(document, { $ref: chosen }, value, place, judged);
  const fits = schema.oneOf.some(
    (option: Schema) => faultsOf(document, option, value, place, judged).length === 0,
  );
  return fits ? [] : [`${place} fits none of its forms`];
}

export function resolve(document: Schema, reference: string): Schema {
  const found = reference
    .replace(/^#\//, '')
    .split('/')
    .reduce<any>((node, name) => node?.[name], document);
  if (!found) throw new Error(`${reference} is not in the document`);
  return found;
}
