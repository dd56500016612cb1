// The documents of the library: open them, search in them, delete them.

import { address, go } from "./address.js";
import { api } from "./api.js";
import { sqlOf } from "./conditions.js";
import { announce, element, find, icon } from "./dom.js";
import { rate } from "./expected.js";
import { bytes, count } from "./format.js";
import { problemBox } from "./message.js";
import { firstPage, thumbnail } from "./thumbnail.js";
import { libraryStatus, announceLibraryChange } from "./status.js";

const place = find("#library");
const dialog = find("#delete");
let showing = false;

/** Show the library if the state asks for it. */
export async function showLibrary({ view, page }) {
  const wanted = view === "library" && !page;
  if (wanted && !showing) await refreshLibrary();
  showing = wanted;
}

/** Read the library again, and show it. */
export async function refreshLibrary() {
  try {
    const [status, documents] = await Promise.all([libraryStatus(), api.documents()]);
    const rows = element("tbody", {}, documents.items.map((entry) => row(entry, status)));
    place.replaceChildren(
      element("header", { class: "summary" },
        element("h2", { tabindex: "-1" }, "Library"),
        element("p", {}, [count(status.documents, "document"), count(status.pages, "page"), status.size_bytes != null && bytes(status.size_bytes)].filter(Boolean).join(" · "))),
      documents.items.length ? table(rows, status) : empty(),
      moreButton(documents.next_cursor, rows, status) ?? "");
  } catch (problem) {
    place.replaceChildren(problemBox(problem, refreshLibrary));
  }
}

const isJudged = ({ fields }) => "predicted_cer" in fields;

const table = (rows, status) =>
  element("table", { class: "documents" },
    element("thead", {}, element("tr", {},
      ["Document", "Pages", "Size", "Changed", isJudged(status) && "Expected CER"].filter(Boolean).map((name) => element("th", { scope: "col" }, name)),
      element("th", { scope: "col" }, element("span", { class: "unseen" }, "Actions")))),
    rows);

const empty = () =>
  element("div", { class: "empty" },
    element("p", { class: "strong" }, "The library is empty."),
    element("p", {}, "Drop PDFs, pictures or texts anywhere on this page."),
    element("button", { class: "primary", type: "button", on: { click: () => find("#add").click() } }, icon("plus"), "Add files"));

function row(entry, status) {
  const first = firstPage(entry);
  const name = [first && thumbnail(first), element("span", {}, element("span", { class: "file" }, entry.file), (entry.uploaded || entry.path !== entry.file) && element("small", {}, entry.uploaded ? "uploaded" : entry.path))];
  const made = element("tr", { "data-document": entry.document_id },
    element("th", { scope: "row" }, first ? element("a", { href: address({ page: first, q: "", view: "library" }) }, name) : element("span", { class: "name" }, name)),
    element("td", { class: "number", "data-label": "Pages" }, entry.pages_indexed === entry.page_count ? entry.page_count : `${entry.pages_indexed} of ${entry.page_count}`, element("span", { class: "unit" }, entry.page_count === 1 ? " page" : " pages")),
    element("td", { class: "number", "data-label": "Size" }, bytes(entry.size_bytes)),
    element("td", { "data-label": "Changed" }, new Date(entry.modified).toLocaleDateString(undefined, { dateStyle: "medium" })),
    isJudged(status) && element("td", { class: "number", "data-label": "Expected CER" }, expected(entry.quality)),
    element("td", { class: "actions" },
      element("a", { class: "quiet button icon-only", "aria-label": `Search in ${entry.file}`, title: "Search in it", href: address({ filter: sqlOf({ field: "path", operator: "is", value: entry.path, type: "text" }), view: "", q: "" }) }, icon("search")),
      entry.links.source && element("a", { class: "quiet button icon-only", "aria-label": `Open ${entry.file}`, title: "Open the file", href: entry.links.source, target: "_blank", rel: "noopener" }, icon("open")),
      !status.read_only && element("button", { type: "button", class: "quiet icon-only", "aria-label": `Delete ${entry.file}`, title: "Delete", on: { click: () => confirmDelete(entry, made) } }, icon("trash"))));
  return made;
}

/** Predicted error rates of a document: the mean, and the worst page. */
const expected = (quality) =>
  quality ? [rate(quality.mean_cer), quality.judged > 1 && element("small", {}, `worst ${rate(quality.worst_cer)}, page ${quality.worst_page}`)] : "";

function moreButton(cursor, rows, status) {
  if (!cursor) return null;
  const button = element("button", { type: "button", class: "more", on: { click: showMore } }, "Show more");
  async function showMore() {
    try {
      const { items, next_cursor } = await api.documents(cursor);
      rows.append(...items.map((entry) => row(entry, status)));
      button.replaceWith(moreButton(next_cursor, rows, status) ?? "");
    } catch (problem) {
      button.replaceWith(problemBox(problem, refreshLibrary));
    }
  }
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
    announceLibraryChange();
    await refreshLibrary();
    (place.querySelector(`[data-document="${neighbour?.dataset.document}"] a`) ?? place.querySelector("h2")).focus();
  });
  dialog.showModal();
}
