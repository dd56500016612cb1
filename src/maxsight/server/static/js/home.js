// The start page: some documents of the library.

import { address } from "./address.js";
import { api } from "./api.js";
import { element, find, icon } from "./dom.js";
import { count } from "./format.js";
import { problemBox } from "./message.js";
import { firstPage, thumbnail } from "./thumbnail.js";
import { libraryStatus } from "./status.js";

const SHELF = 8;
const place = find("#home");

export async function showHome() {
  try {
    const [status, documents] = await Promise.all([libraryStatus(), api.documents("", SHELF)]);
    place.replaceChildren(...(status.documents ? shelf(status, documents.items) : [invitation()]));
  } catch (problem) {
    if (problem.status !== 401) place.replaceChildren(problemBox(problem, showHome));
  }
}

const shelf = (status, items) => [
  element("p", { class: "held" }, element("a", { href: address({ view: "library" }) }, `${count(status.pages, "page")} in ${count(status.documents, "document")}`)),
  element("ul", { class: "shelf" }, items.filter(firstPage).map((item) => {
    const page = firstPage(item);
    return element("li", {}, element("a", { href: address({ page, q: "" }), title: item.path },
      thumbnail(page), element("span", { class: "file" }, item.file)));
  })),
];

const invitation = () =>
  element("div", { class: "empty invitation" }, icon("upload"),
    element("p", { class: "strong" }, "Drop PDFs, pictures or texts here"),
    element("p", {}, "They become searchable page by page. They stay on this machine."),
    element("button", { class: "primary", type: "button", on: { click: () => find("#add").click() } }, icon("plus"), "Choose files"));
