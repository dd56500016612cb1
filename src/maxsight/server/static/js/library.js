// What the library holds: its documents, to look at, to search in, to delete.

import { address, go } from "./address.js";
import { addresses, api } from "./api.js";
import { sqlOf } from "./conditions.js";
import { announce, element, find, icon } from "./dom.js";
import { bytes, count } from "./format.js";
import { problemBox } from "./message.js";
import { firstPage, thumbnail } from "./results.js";
import { libraryStatus, tellLibraryChanged } from "./status.js";

const place = find("#library");
const dialog = find("#delete");
let showing = false;

/** Show the library if the state asks for it. */
export async function showLibrary({ view, page }) {
  const wanted = view === "library" && !page;
  if (wanted && !showing) await refreshLibrary();
  showing = wanted;
}

/** Read the library anew if it is what is shown. */
export async function refreshLibrary() {
  try {
    const [status, documents] = await Promise.all([libraryStatus(), api.documents()]);
    const rows = element("tbody", {}, documents.items.map((entry) => row(entry, status.read_only)));
    place.replaceChildren(
      element("header", { class: "summary" },
        element("h2", { tabindex: "-1" }, "Library"),
        element("p", {}, [count(status.documents, "document"), count(status.pages, "page"), bytes(status.size_bytes)].join(" · "))),
      documents.items.length ? table(rows) : empty(),
      moreButton(documents.next_cursor, rows, status.read_only) ?? "");
  } catch (problem) {
    place.replaceChildren(problemBox(problem, refreshLibrary));
  }
}

const table = (rows) =>
  element("table", { class: "documents" },
    element("thead", {}, element("tr", {},
      ["Document", "Pages", "Size", "Changed"].map((name) => element("th", { scope: "col" }, name)),
      element("th", { scope: "col" }, element("span", { class: "unseen" }, "Actions")))),
    rows);

const empty = () =>
  element("div", { class: "empty" },
    element("p", { class: "strong" }, "The library is empty."),
    element("p", {}, "Drop PDFs, pictures or texts anywhere on this page."),
    element("button", { class: "primary", type: "button", on: { click: () => find("#add").click() } }, icon("plus"), "Add files"));

function row(entry, readOnly) {
  const first = firstPage(entry);
  const name = [first && thumbnail(first), element("span", {}, element("span", { class: "file" }, entry.file), (entry.uploaded || entry.path !== entry.file) && element("small", {}, entry.uploaded ? "uploaded" : entry.path))];
  const made = element("tr", { "data-document": entry.document_id },
    element("th", { scope: "row" }, first ? element("a", { href: address({ page: first, q: "", view: "library" }) }, name) : element("span", { class: "name" }, name)),
    element("td", { class: "number", "data-label": "Pages" }, entry.pages_indexed === entry.page_count ? entry.page_count : `${entry.pages_indexed} of ${entry.page_count}`),
    element("td", { class: "number", "data-label": "Size" }, bytes(entry.size_bytes)),
    element("td", { "data-label": "Changed" }, new Date(entry.modified).toLocaleDateString(undefined, { dateStyle: "medium" })),
    element("td", { class: "actions" },
      element("a", { class: "quiet button icon-only", "aria-label": `Search in ${entry.file}`, title: "Search in it", href: address({ filter: sqlOf({ field: "path", operator: "is", value: entry.path, type: "text" }), view: "", q: "" }) }, icon("search")),
      element("a", { class: "quiet button icon-only", "aria-label": `Open ${entry.file}`, title: "Open the file", href: addresses.source(entry.document_id, 1), target: "_blank", rel: "noopener" }, icon("open")),
      !readOnly && element("button", { type: "button", class: "quiet icon-only", "aria-label": `Delete ${entry.file}`, title: "Delete", on: { click: () => confirmDelete(entry, made) } }, icon("trash"))));
  return made;
}

function moreButton(cursor, rows, readOnly) {
  if (!cursor) return null;
  const button = element("button", { type: "button", class: "more" }, "Show more");
  button.addEventListener("click", async () => {
    const { items, next_cursor } = await api.documents(cursor);
    rows.append(...items.map((entry) => row(entry, readOnly)));
    button.replaceWith(moreButton(next_cursor, rows, readOnly) ?? "");
  });
  return button;
}

function confirmDelete(entry, made) {
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
    const neighbour = made.nextElementSibling ?? made.previousElementSibling;
    dialog.close();
    announce(`${entry.file} is deleted`);
    tellLibraryChanged();
    await refreshLibrary();
    (place.querySelector(`[data-document="${neighbour?.dataset.document}"] a`) ?? place.querySelector("h2")).focus();
  });
  dialog.showModal();
}
