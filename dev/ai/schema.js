/**
 * The part of JSON Schema that the schemas of partners.js use. Cabidela, which Workers AI uses, does not support lists
 * of types, and demands an optional object's required properties even if the object is absent.
 */

const TYPES = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: Number.isInteger,
  boolean: (value) => typeof value === "boolean",
  array: Array.isArray,
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  null: (value) => value === null,
};

/** Each keyword, with a test for values of the type that it applies to. */
const KEYWORDS = {
  type: (wanted, value) => [wanted].flat().some((type) => TYPES[type](value)),
  enum: (values, value) => values.includes(value),
  minimum: (least, value) => !TYPES.number(value) || value >= least,
  maximum: (most, value) => !TYPES.number(value) || value <= most,
  minLength: (least, value) => !TYPES.string(value) || value.length >= least,
  maxLength: (most, value) => !TYPES.string(value) || value.length <= most,
  pattern: (pattern, value) => !TYPES.string(value) || new RegExp(pattern).test(value),
  minItems: (least, value) => !TYPES.array(value) || value.length >= least,
  maxItems: (most, value) => !TYPES.array(value) || value.length <= most,
  required: (names, value) => !TYPES.object(value) || names.every((name) => name in value),
  anyOf: (schemas, value) => schemas.some((schema) => !wrong(schema, value)),
};
/** Keywords that need no test. */
const SAID = new Set(["description", "default", "format", "items", "properties", "additionalProperties"]);

/** @returns {string} what is wrong with a value, "" if it is valid */
export function wrong(schema, value, place = "") {
  for (const [keyword, wanted] of Object.entries(schema)) {
    if (SAID.has(keyword)) continue;
    if (!KEYWORDS[keyword]) return `the schema of '${place}/' has an unknown keyword '${keyword}'`;
    if (!KEYWORDS[keyword](wanted, value)) return `'${place}/' is not as ${keyword} says: ${JSON.stringify(wanted)}`;
  }
  if (Array.isArray(value)) {
    return first(value, (item, index) => wrong(schema.items ?? {}, item, `${place}/${index}`));
  }
  if (!TYPES.object(value)) return "";
  const { properties = {}, additionalProperties } = schema;
  return first(Object.entries(value), ([name, inner]) => {
    if (name in properties) return wrong(properties[name], inner, `${place}/${name}`);
    return additionalProperties === false ? `Additional properties '${place}/${name}' not allowed` : "";
  });
}

function first(items, judge) {
  for (const [index, item] of items.entries()) {
    const said = judge(item, index);
    if (said) return said;
  }
  return "";
}
