// Filters as a list of parts, and as the SQL condition of the address and the API.
// A condition that was made here is split into its parts again; any other stays one part.

/** Comparisons: what they say, how SQL writes them, and which types they suit. A value is a text, or a list of them. */
export const OPERATORS = {
  is: { says: "is", suits: () => true, sql: (name, literal, [value]) => `${name} = ${literal(value)}` },
  oneOf: { says: "is one of", suits: (type) => type === "text", sql: (name, literal, values) => `${name} IN (${values.map(literal).join(", ")})` },
  contains: { says: "contains", suits: (type) => type === "text", sql: (name, literal, [value]) => `${name} LIKE ${literal(`%${value}%`)}` },
  between: { says: "is between", suits: isNumber, sql: (name, literal, [low, high]) => `${name} BETWEEN ${literal(low)} AND ${literal(high)}` },
  atLeast: { says: "at least", suits: isNumber, sql: (name, literal, [value]) => `${name} >= ${literal(value)}` },
  atMost: { says: "at most", suits: isNumber, sql: (name, literal, [value]) => `${name} <= ${literal(value)}` },
};

export function isNumber(type) {
  return type === "number" || type === "whole number";
}

const string = (text) => `'${text.replaceAll("'", "''")}'`;
const quoted = (field) => (/^[A-Za-z_]\w*$/.test(field) ? field : `"${field.replaceAll('"', '""')}"`);

/** One part as SQL. @param {{field: string, operator: string, value: string|string[], type: string}} part */
export function sqlOf({ field, operator, value, type }) {
  return OPERATORS[operator].sql(quoted(field), (text) => (type === "text" ? string(text) : text), [value].flat());
}

export const join = (parts) => parts.map((part) => part.sql ?? sqlOf(part)).join(" AND ");

const LITERAL = String.raw`'(?:[^']|'')*'|-?[\d.]+|true|false`;
const PART = new RegExp(
  String.raw`^([A-Za-z_]\w*|"(?:[^"]|"")+") (?:(=|>=|<=|LIKE) (${LITERAL})|BETWEEN (${LITERAL}) AND (${LITERAL})|IN \(((?:${LITERAL})(?:, (?:${LITERAL}))*)\))(?: AND |$)`,
);
const SIGNS = { "=": "is", ">=": "atLeast", "<=": "atMost", LIKE: "contains" };

/** The parts of a condition; the whole condition as one part if it was not made here. */
export function partsOf(condition, fields) {
  const parts = [];
  for (let rest = condition; rest; ) {
    const [whole, name, sign, literal, low, high, list] = PART.exec(rest) ?? [];
    const field = name?.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
    const [operator, value] = sign ? [SIGNS[sign], valueOf(sign, literal)]
      : list ? ["oneOf", list.match(new RegExp(LITERAL, "g")).map((one) => valueOf("=", one))]
        : ["between", [low, high].map((one) => one && valueOf("=", one))];
    const part = field && { field, type: fields[field], operator, value };
    if (!part?.type || !OPERATORS[operator].suits(part.type) || sqlOf(part) !== whole.replace(/ AND $/, "")) return [{ sql: condition }];
    parts.push(part);
    rest = rest.slice(whole.length);
  }
  return parts;
}

function valueOf(sign, literal) {
  const value = literal.startsWith("'") ? literal.slice(1, -1).replaceAll("''", "'") : literal;
  return sign === "LIKE" ? value.slice(1, -1) : value;
}

/** The name of a document's file, without its folders. */
export const nameOf = (path) => path.split("/").at(-1);

/** One part as text. Documents are named as people know them, not by their place. */
export function saying({ field, operator, value, sql }) {
  if (sql) return sql;
  const values = [value].flat().map((one) => (field === "path" ? nameOf(one) : one));
  return `${label(field)} ${OPERATORS[operator].says} ${values.join(operator === "between" ? " and " : ", ")}`;
}

const LABELS = new Map(Object.entries({
  file: "File name", path: "Document", page_number: "Page",
  predicted_cer: "Expected CER", predicted_wer: "Expected WER", quality_note: "OCR note", quality_model: "OCR model",
}));

export const label = (field) => LABELS.get(field) ?? field;
