// Editors for the values of a condition: documents and values to pick, numbers, yes or no.

import { isNumber, nameOf } from "./conditions.js";
import { element } from "./dom.js";
import { count } from "./format.js";

let lists = 0;

/**
 * @param {string[]} given - The values there are.
 * @param {Promise<{items: Array, next_cursor: ?string}>} documents - Documents, whose names and fields are offered.
 * @returns {{root: HTMLElement, values: function(): string[]}}
 */
export function valueEditor(field, type, operator, given, documents) {
  if (operator === "oneOf") return picker(field, given, documents);
  if (type === "true/false") {
    const select = element("select", { "aria-label": "Value" }, ["true", "false"].map((value) => element("option", { value, selected: value === given[0] }, value === "true" ? "yes" : "no")));
    return { root: select, values: () => [select.value] };
  }
  const names = operator === "between" ? ["From", "To"] : ["Value"];
  const list = element("datalist", { id: `values-${++lists}` });
  const inputs = names.map((name, at) =>
    element("input", { "aria-label": name, value: given[at], list: list.id, autocomplete: "off", type: isNumber(type) ? "number" : "text", step: isNumber(type) && "any", placeholder: name }));
  if (field !== "path") valuesOf(field, documents).then((values) => list.replaceChildren(...values.map((value) => element("option", { value }))));
  return {
    root: element("div", { class: "inputs" }, inputs, list),
    values: () => (inputs.every(({ value }) => value.trim()) ? inputs.map(({ value }) => value.trim()) : []),
  };
}

/** The values that a field has in the documents, in order. */
async function valuesOf(field, documents) {
  const values = (await documents).items.map((entry) => entry[field] ?? entry.metadata[field]).filter((value) => value != null);
  return [...new Set(values.map(String))].sort((one, other) => one.localeCompare(other, undefined, { numeric: true }));
}

/** Boxes to tick, narrowed by typing. */
function picker(field, given, documents) {
  const ticked = new Set(given);
  const boxes = element("ul", { class: "picks" });
  const narrow = element("input", { type: "search", "aria-label": "Narrow the list", placeholder: "Type to narrow the list", autocomplete: "off", on: { input: show } });
  const said = element("p", { class: "hint", hidden: true });
  let values = [];
  valuesOf(field, documents).then(async (found) => {
    values = [...new Set([...given, ...found])];
    const { items, next_cursor } = await documents;
    said.hidden = !next_cursor;
    const other = field === "path" ? "Find others by their file name." : "Find others with “contains”.";
    said.textContent = `The list is of the first ${count(items.length, "document")}. ${other}`;
    show();
  });

  function show() {
    const wanted = narrow.value.trim().toLowerCase();
    const names = values.map((value) => (field === "path" ? nameOf(value) : value));
    const several = new Set(names.filter((name, at) => names.indexOf(name) !== at));
    boxes.replaceChildren(...values.flatMap((value, at) => {
      if (!value.toLowerCase().includes(wanted)) return [];
      const tick = ({ currentTarget }) => (currentTarget.checked ? ticked.add(value) : ticked.delete(value));
      return element("li", {}, element("label", { class: "choice" },
        element("input", { type: "checkbox", checked: ticked.has(value), on: { change: tick } }),
        element("span", {}, names[at], several.has(names[at]) && element("small", {}, value))));
    }));
    if (!boxes.children.length) boxes.replaceChildren(element("li", { class: "hint" }, values.length ? "None fits." : "There are none."));
  }
  return { root: element("div", { class: "picker" }, narrow, boxes, said), values: () => [...ticked] };
}
