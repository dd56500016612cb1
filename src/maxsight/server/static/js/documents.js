// The documents by folder: open them, search in them, delete them.

import { address } from "./address.js";
import { api } from "./api.js";
import { sqlOf } from "./conditions.js";
import { announce, element, find, icon } from "./dom.js";
import { bytes, count } from "./format.js";
import { problemBox } from "./message.js";
import { announceLibraryChange } from "./status.js";
import { firstPage, thumbnail } from "./thumbnail.js";

const dialog = find("#delete");

/** Tables of documents, one for each folder. @param {function()} again - Shows the list again, after a change. */
export function documentList(items, status, again) {
  const folders = Map.groupBy ? Map.groupBy(items, folderOf) : grouped(items);
  const common = commonStart([...folders.keys()].filter((name) => name !== UPLOADS));
  return [...folders].map(([name, entries]) => {
    if (folders.size === 1) return table(entries, status, again);
    const label = name === UPLOADS ? UPLOADS : name.slice(common) || "Documents";
    return element("details", { class: "folder", open: true },
      element("summary", { title: name }, element("h3", {}, label), element("span", { class: "hint" }, count(entries.length, "document"))),
      table(entries, status, again));
  });
}

const UPLOADS = "Uploaded files";
const folderOf = ({ path, uploaded }) => (uploaded ? UPLOADS : path.split("#")[0].split("/").slice(0, -1).join("/"));

function grouped(items) {
  const groups = new Map();
  for (const item of items) groups.set(folderOf(item), [...(groups.get(folderOf(item)) ?? []), item]);
  return groups;
}

/** How many letters the folders begin with alike, up to a slash. */
function commonStart(folders) {
  if (folders.length < 2) return (folders[0]?.lastIndexOf("/") ?? -1) + 1;
  let length = 0;
  while (length < folders[0].length && folders.every((name) => name[length] === folders[0][length])) length += 1;
  return folders[0].lastIndexOf("/", length - 1) + 1;
}

const table = (entries, status, again) =>
  element("table", { class: "documents" },
    element("thead", {}, element("tr", {},
      ["Document", "Pages", "Size", "Changed", "Notes"].map((name) => element("th", { scope: "col" }, name)),
      element("th", { scope: "col" }, element("span", { class: "unseen" }, "Actions")))),
    element("tbody", {}, entries.map((entry) => row(entry, status, again))));

function row(entry, status, again) {
  const first = firstPage(entry);
  const name = [first && thumbnail(first), element("span", { class: "file" }, entry.file)];
  return element("tr", { "data-document": entry.document_id },
    element("th", { scope: "row" }, first ? element("a", { href: address({ page: first, q: "", filter: "", word: "" }), title: entry.uploaded ? null : entry.path }, name) : element("span", { class: "name" }, name)),
    element("td", { class: "number", "data-label": "Pages" }, entry.pages_indexed === entry.page_count ? entry.page_count : `${entry.pages_indexed} of ${entry.page_count}`, element("span", { class: "unit" }, entry.page_count === 1 ? " page" : " pages")),
    element("td", { class: "number", "data-label": "Size" }, bytes(entry.size_bytes)),
    element("td", { "data-label": "Changed" }, new Date(entry.modified).toLocaleDateString(undefined, { dateStyle: "medium" })),
    element("td", { class: "notes", "data-label": "Notes" }, notesOn(entry)),
    element("td", { class: "actions" },
      element("a", { class: "quiet button icon-only", "aria-label": `Search in ${entry.file}`, title: "Search in it", href: address({ filter: sqlOf({ field: "path", operator: "is", value: entry.path, type: "text" }), page: "", q: "" }), on: { click: () => find("#query").focus() } }, icon("search")),
      entry.links.source && element("a", { class: "quiet button icon-only", "aria-label": `Open ${entry.file}`, title: "Open the file", href: entry.links.source, target: "_blank", rel: "noopener" }, icon("open")),
      !status.read_only && element("button", { type: "button", class: "quiet icon-only", "aria-label": `Delete ${entry.file}`, title: "Delete", on: { click: () => confirmDelete(entry, again) } }, icon("trash"))));
}

/** Problems of a document, and how well it can be read, in words. */
function notesOn({ pages_indexed: pages, page_count: whole, scanned, misread }) {
  const doubt = (text) => element("span", { class: "doubt" }, text);
  return [
    pages < whole && doubt(`${count(whole - pages, "page")} missing`),
    scanned > 0 && (scanned === pages ? "scan" : `${count(scanned, "page")} scanned`),
    misread > 0 && doubt(misread === pages ? "likely misread" : `${count(misread, "page")} likely misread`),
  ].filter(Boolean).flatMap((part, index) => (index ? [", ", part] : [part]));
}

function confirmDelete(entry, again) {
  const said = element("div");
  const remove = element("button", { class: "danger", type: "button" }, "Delete");
  dialog.replaceChildren(element("form", { method: "dialog" },
    element("h2", { id: "delete-title" }, `Delete ${entry.file}?`),
    element("p", {}, `${count(entry.pages_indexed, "page")} will no longer be found. ${entry.uploaded ? "The uploaded file is deleted too." : "The file itself stays where it is."}`),
    said,
    element("footer", {}, element("button", { autofocus: true }, "Cancel"), remove)));
  remove.addEventListener("click", async () => {
    remove.disabled = true;
    try {
      await api.remove(entry.document_id);
    } catch (problem) {
      remove.disabled = false;
      return said.replaceChildren(problemBox(problem));
    }
    const made = find(`[data-document="${entry.document_id}"]`);
    const neighbour = (made?.nextElementSibling ?? made?.previousElementSibling)?.dataset.document;
    dialog.close();
    announce(`${entry.file} is deleted`);
    announceLibraryChange();
    await again();
    (find(`[data-document="${neighbour}"] a`) ?? find("#home h2"))?.focus();
  });
  dialog.showModal();
}
