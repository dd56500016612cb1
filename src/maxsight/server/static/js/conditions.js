// Filters as a list of parts, and as the SQL condition of the address and the API.
// A condition that was made here is split into its parts again; any other stays one part.

export const OPERATORS = {
  is: { says: "is", sign: "=", suits: () => true },
  contains: { says: "contains", sign: "LIKE", suits: (type) => type === "text" },
  atLeast: { says: "at least", sign: ">=", suits: (type) => isNumber(type) },
  atMost: { says: "at most", sign: "<=", suits: (type) => isNumber(type) },
};

export const isNumber = (type) => type === "number" || type === "whole number";

const string = (text) => `'${text.replaceAll("'", "''")}'`;
const name = (field) => (/^[A-Za-z_]\w*$/.test(field) ? field : `"${field.replaceAll('"', '""')}"`);

/** One part as SQL. @param {{field: string, operator: string, value: string, type: string}} part */
export function sqlOf({ field, operator, value, type }) {
  const literal = operator === "contains" ? string(`%${value}%`) : type === "text" ? string(value) : value;
  return `${name(field)} ${OPERATORS[operator].sign} ${literal}`;
}

export const join = (parts) => parts.map((part) => part.sql ?? sqlOf(part)).join(" AND ");

const PART = /^([A-Za-z_]\w*|"(?:[^"]|"")+") (=|>=|<=|LIKE) ('(?:[^']|'')*'|-?[\d.]+|true|false)(?: AND |$)/;

/** The parts of a condition; the whole condition as one part if it was not made here. */
export function partsOf(condition, fields) {
  const parts = [];
  for (let rest = condition; rest; ) {
    const [whole, quoted, sign, literal] = PART.exec(rest) ?? [];
    const field = quoted?.startsWith('"') ? quoted.slice(1, -1).replaceAll('""', '"') : quoted;
    const part = field && { field, type: fields[field], operator: named(sign), value: valueOf(sign, literal) };
    if (!part?.type || sqlOf(part) !== whole.replace(/ AND $/, "")) return [{ sql: condition }];
    parts.push(part);
    rest = rest.slice(whole.length);
  }
  return parts;
}

const named = (sign) => Object.keys(OPERATORS).find((operator) => OPERATORS[operator].sign === sign);

function valueOf(sign, literal) {
  const value = literal.startsWith("'") ? literal.slice(1, -1).replaceAll("''", "'") : literal;
  return sign === "LIKE" ? value.slice(1, -1) : value;
}

/** One part as text. */
export const saying = ({ field, operator, value, sql }) =>
  sql ?? `${label(field)} ${OPERATORS[operator].says} ${value}`;

const LABELS = new Map(Object.entries({
  file: "File", path: "Path", page_number: "Page",
  predicted_cer: "Expected CER", predicted_wer: "Expected WER", quality_note: "OCR note", quality_model: "OCR model",
}));

export const label = (field) => LABELS.get(field) ?? field;
