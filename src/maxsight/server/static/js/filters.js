// Filters of a search: chips below the search box, and a dialog to add one.

import { current, go } from "./address.js";
import { api } from "./api.js";
import { OPERATORS, isNumber, join, label, partsOf, saying, sqlOf } from "./conditions.js";
import { element, find, icon } from "./dom.js";
import { libraryStatus } from "./status.js";

const OWN_FIELDS = { file: "text", path: "text", page_number: "whole number" };
const dialog = find("#filters");

/** The fields that filters can use, with their types. */
export const knownFields = async () => ({ ...OWN_FIELDS, ...(await libraryStatus().catch(() => null))?.fields });

/** The chips of the current filter; nothing without one. */
export function filterChips({ filter, names, group, exact }, fields) {
  const parts = partsOf(filter, fields);
  const without = (part) => join(parts.filter((other) => other !== part));
  const chips = parts.map((part) => chip(saying(part), () => go({ filter: without(part), page: "" })));
  if (names) chips.push(chip("Names do not count", () => go({ names: "", page: "" })));
  if (group) chips.push(chip("By document", () => go({ group: "", page: "" })));
  if (exact) chips.push(chip("Every page scored", () => go({ exact: "", page: "" })));
  return chips.length > 0 && element("ul", { class: "chips", "aria-label": "Filters" }, chips);
}

const chip = (text, remove) =>
  element(
    "li",
    { class: "chip" },
    element("span", {}, text),
    element("button", { type: "button", class: "quiet icon-only", "aria-label": `Remove filter: ${text}`, on: { click: remove } }, icon("close")),
  );

async function openFilters() {
  const fields = await knownFields();
  const state = current();
  const parts = partsOf(state.filter, fields);
  const asSql = parts.some((part) => part.sql);
  const field = element("select", { name: "field", "aria-label": "Field", on: { change: () => offerOperators() } },
    Object.keys(fields).map((name) => element("option", { value: name }, label(name))));
  const operator = element("select", { name: "operator", "aria-label": "Comparison" });
  const value = element("input", { name: "value", "aria-label": "Value", list: "filter-values", autocomplete: "off" });
  const values = element("datalist", { id: "filter-values" });
  const sql = element("textarea", { name: "sql", rows: "2", spellcheck: "false", "aria-describedby": "sql-hint" }, asSql ? state.filter : "");
  const choice = (name, text, more) =>
    element("label", { class: "choice" }, element("input", { type: "checkbox", name, checked: Boolean(state[name]) }),
      element("span", {}, text, element("small", {}, more)));

  function offerOperators() {
    const number = isNumber(fields[field.value]);
    operator.replaceChildren(
      ...Object.entries(OPERATORS)
        .filter(([, { suits }]) => suits(fields[field.value]))
        .map(([name, { says }]) => element("option", { value: name }, says)),
    );
    value.inputMode = number ? "decimal" : "text";
    value.type = number ? "number" : "text";
    if (number) value.step = "any";
    offerValues(field.value, values);
  }

  function apply(event) {
    if (event.submitter?.value === "cancel") return;
    const written = sql.value.trim();
    const added = value.value.trim() && { field: field.value, operator: operator.value, value: value.value.trim(), type: fields[field.value] };
    const others = asSql || written ? (written ? [{ sql: written }] : []) : parts;
    const all = added ? [...others, added] : others;
    const filter = all.length > 1 && written ? `(${written}) AND ${sqlOf(added)}` : join(all);
    const chosen = (name, value) => (form.elements[name].checked ? value : "");
    go({ filter, names: chosen("names", "false"), group: chosen("group", "document"), exact: chosen("exact", "true"), page: "" });
  }

  const form = element("form", { method: "dialog", on: { submit: apply } },
    element("h2", { id: "filters-title" }, "Filter"),
    element("div", { class: "condition" }, field, operator, value, values),
    element("details", { open: asSql },
      element("summary", {}, "As SQL"),
      element("label", {}, element("span", { class: "unseen" }, "SQL condition"), sql),
      element("p", { class: "hint", id: "sql-hint" }, `Fields: ${Object.keys(fields).join(", ")}`)),
    choice("names", "Names do not count", "documents that the question names are not moved up"),
    choice("group", "By document", "the best page first, its others under it"),
    choice("exact", "Score every page", "slower, but misses nothing"),
    element("footer", {},
      element("button", { value: "cancel", formnovalidate: true }, "Cancel"),
      element("button", { class: "primary", value: "apply" }, "Apply")));
  dialog.replaceChildren(form);
  offerOperators();
  dialog.showModal();
  value.focus();
}

async function offerValues(field, list) {
  list.replaceChildren();
  if (field !== "file" && field !== "path") return;
  const { items } = await api.documents("", 200);
  list.replaceChildren(...new Set(items.map((item) => item[field])).values().map((name) => element("option", { value: name })));
}

find("#open-filters").addEventListener("click", openFilters);
