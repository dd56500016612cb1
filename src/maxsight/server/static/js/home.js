// The start: the last questions, and all documents of the library by folder.

import { api } from "./api.js";
import { documentList } from "./documents.js";
import { element, find, icon } from "./dom.js";
import { filterChips, knownFields } from "./filters.js";
import { bytes, count } from "./format.js";
import { problemBox } from "./message.js";
import { recentSearches } from "./recent.js";
import { libraryStatus } from "./status.js";

const SHOWN = 200;
const place = find("#home");

/** Show the start, with the filter that the next question will have. */
export async function showHome(state) {
  const again = () => showHome(state);
  try {
    const [status, first, fields] = await Promise.all([libraryStatus(), api.documents("", SHOWN), knownFields()]);
    place.replaceChildren(...[
      filterChips(state, fields),
      recentSearches(),
      ...(status.documents ? [heading(status), ...list(status, first, again)] : [invitation(status)]),
    ].filter(Boolean));
  } catch (problem) {
    if (problem.status !== 401) place.replaceChildren(problemBox(problem, again));
  }
}

const heading = (status) =>
  element("header", { class: "summary" },
    element("h2", { tabindex: "-1" }, "Library"),
    element("p", {}, [count(status.documents, "document"), count(status.pages, "page"), status.size_bytes != null && bytes(status.size_bytes)].filter(Boolean).join(" · ")));

function list(status, { items, next_cursor }, again) {
  const shown = element("div", { class: "folders" }, documentList(items, status, again));
  return [shown, moreButton(next_cursor)];

  function moreButton(cursor) {
    if (!cursor) return null;
    const button = element("button", { type: "button", class: "more", on: { click: showMore } }, "Show more");
    async function showMore() {
      try {
        const next = await api.documents(cursor, SHOWN);
        items.push(...next.items);
        shown.replaceChildren(...documentList(items, status, again));
        button.replaceWith(moreButton(next.next_cursor) ?? "");
        find(`[data-document="${next.items[0]?.document_id}"] a`)?.focus();
      } catch (problem) {
        button.replaceWith(problemBox(problem, again));
      }
    }
    return button;
  }
}

const invitation = ({ read_only }) =>
  element("div", { class: "empty invitation" }, icon("upload"),
    ...(read_only
      ? [element("p", { class: "strong" }, "The library is empty."), element("p", {}, "This server takes no files. Add some with the command maxsight index.")]
      : [element("p", { class: "strong" }, "Drop PDFs, pictures or texts here"),
        element("p", {}, "They become searchable page by page. They stay on this machine."),
        element("button", { class: "primary", type: "button", on: { click: () => find("#add").click() } }, icon("plus"), "Choose files")]));
