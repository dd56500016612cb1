// Filters of a search: chips below the search box, and a dialog with several conditions.

import { current, go } from "./address.js";
import { api } from "./api.js";
import { OPERATORS, join, label, partsOf, saying } from "./conditions.js";
import { element, find, icon } from "./dom.js";
import { libraryStatus } from "./status.js";
import { valueEditor } from "./values.js";

const OWN_FIELDS = { path: "text", file: "text", page_number: "whole number" };
const KNOWN_DOCUMENTS = 1000;
const dialog = find("#filters");

/** The fields that filters can use, with their types. */
export const knownFields = async () => ({ ...OWN_FIELDS, ...(await libraryStatus().catch(() => null))?.fields });

/** The chips of the current filter; nothing without one. */
export function filterChips({ filter, names, exact }, fields) {
  const parts = partsOf(filter, fields);
  const without = (part) => join(parts.filter((other) => other !== part));
  const chips = parts.map((part) => chip(saying(part), () => go({ filter: without(part), page: "" })));
  if (names) chips.push(chip("Names do not count", () => go({ names: "", page: "" })));
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
  const documents = api.documents("", KNOWN_DOCUMENTS).catch(() => ({ items: [] }));
  const state = current();
  const parts = partsOf(state.filter, fields);
  const asSql = parts.some((part) => part.sql);
  const rows = element("div", { class: "conditions" }, (asSql || !parts.length ? [{}] : parts).map(conditionRow));
  const sql = element("textarea", { name: "sql", rows: "2", spellcheck: "false", "aria-describedby": "sql-hint" }, asSql ? state.filter : "");
  const choice = (name, text, more) =>
    element("label", { class: "choice" }, element("input", { type: "checkbox", name, checked: Boolean(state[name]) }),
      element("span", {}, text, element("small", {}, more)));

  function conditionRow(part) {
    const field = element("select", { "aria-label": "Field", on: { change: () => offerOperators() } },
      Object.keys(fields).map((name) => element("option", { value: name, selected: name === part.field }, label(name))));
    const operator = element("select", { "aria-label": "Comparison", on: { change: () => offerValue() } });
    const place = element("div", { class: "value" });
    const remove = element("button", { type: "button", class: "quiet icon-only", "aria-label": "Remove condition", title: "Remove", on: { click: () => { row.remove(); if (!rows.children.length) rows.append(conditionRow({})); } } }, icon("close"));
    const row = element("div", { class: "condition", role: "group", "aria-label": "Condition" }, field, operator, remove, place);

    function offerOperators() {
      const suiting = Object.entries(OPERATORS).filter(([, { suits }]) => suits(fields[field.value]));
      const offered = field.value === "path" ? suiting.filter(([name]) => name === "oneOf") : suiting;
      operator.replaceChildren(...offered.map(([name, { says }]) => element("option", { value: name, selected: name === part.operator }, says)));
      offerValue();
    }

    function offerValue() {
      const given = part.field === field.value ? [part.value].flat() : [];
      const editor = valueEditor(field.value, fields[field.value], operator.value, given, documents);
      place.replaceChildren(editor.root);
      row.condition = () => {
        const values = editor.values();
        const value = values.length === 1 && operator.value !== "oneOf" ? values[0] : values;
        return values.length ? { field: field.value, operator: operator.value, value, type: fields[field.value] } : null;
      };
    }

    offerOperators();
    return row;
  }

  function apply(event) {
    if (event.submitter?.value === "cancel") return;
    const written = sql.value.trim();
    const picked = [...rows.children].map((row) => row.condition()).filter(Boolean);
    const filter = written && picked.length ? `(${written}) AND ${join(picked)}` : written || join(picked);
    const chosen = (name, value) => (form.elements[name].checked ? value : "");
    go({ filter, names: chosen("names", "false"), exact: chosen("exact", "true"), page: "" });
  }

  const form = element("form", { method: "dialog", on: { submit: apply } },
    element("h2", { id: "filters-title" }, "Filter"),
    rows,
    element("button", { type: "button", class: "quiet add", on: { click: () => rows.append(conditionRow({})) } }, icon("plus"), "Add a condition"),
    element("details", { open: asSql },
      element("summary", {}, "As SQL"),
      element("label", {}, element("span", { class: "unseen" }, "SQL condition"), sql),
      element("p", { class: "hint", id: "sql-hint" }, `Fields: ${Object.keys(fields).join(", ")}`)),
    choice("names", "Names do not count", "documents that the question names are not moved up"),
    choice("exact", "Score every page", "slower, but misses nothing"),
    element("footer", {},
      element("button", { value: "cancel", formnovalidate: true }, "Cancel"),
      element("button", { class: "primary", value: "apply" }, "Apply")));
  dialog.replaceChildren(form);
  dialog.showModal();
  rows.querySelector("select").focus();
}

find("#open-filters").addEventListener("click", openFilters);
