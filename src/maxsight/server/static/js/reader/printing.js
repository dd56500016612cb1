// Printing some pages of a document: the browser alone would print the pages that are drawn.

import { addresses } from "../api.js";
import { element, find } from "../dom.js";

const WIDTH_PX = 1600;
const MOST = 100; // pages at a time
const dialog = find("#print");

/** Ask which pages, and print them. @param {string} q - The question whose heat may be printed; "" for none. */
export function openPrinting(doc, number, q) {
  const last = doc.pages.at(-1).page_number;
  const field = (name, value) => element("input", { type: "number", name, value, min: "1", max: last, required: true, "aria-label": `${name} page` });
  const [from, to] = [field("From", number), field("to", number)];
  const heat = element("input", { type: "checkbox" });
  const said = element("p", { class: "hint", "aria-live": "polite" });
  const start = element("button", { class: "primary", value: "print" }, "Print");
  const form = element("form", { method: "dialog", on: { submit: send } },
    element("h2", { id: "print-title" }, "Print pages"),
    element("p", { class: "range" }, from, "to", to, `of ${last}`),
    q && element("label", { class: "choice" }, heat, element("span", {}, "With the heat of the question")),
    said,
    element("footer", {}, element("button", { value: "cancel", formnovalidate: true }, "Cancel"), start));
  dialog.replaceChildren(form);
  dialog.showModal();
  from.select();

  async function send(event) {
    if (event.submitter?.value === "cancel") return;
    event.preventDefault();
    const [low, high] = [from, to].map(({ value }) => Number(value)).sort((one, other) => one - other);
    const pages = doc.pages.filter(({ page_number }) => page_number >= low && page_number <= high);
    if (pages.length > MOST) return void (said.textContent = `At most ${MOST} pages can be printed at once. Open the file to print more.`);
    start.disabled = true;
    const sheets = pages.map(({ page_id }) => element("img", { alt: "", src: heat.checked ? addresses.heatmapOnPage(page_id, q, WIDTH_PX) : addresses.image(page_id, WIDTH_PX) }));
    let done = 0;
    const isDrawn = (sheet) => sheet.decode().then(() => true, () => false).finally(() => (said.textContent = `${++done} of ${sheets.length} pages are ready`));
    const drawn = await Promise.all(sheets.map(isDrawn));
    if (!dialog.open || !form.isConnected) return; // cancelled meanwhile
    const missing = pages.filter((_, index) => !drawn[index]).map(({ page_number }) => page_number);
    if (missing.length) {
      start.disabled = false;
      said.textContent = `${missing.length === 1 ? "Page" : "Pages"} ${missing.join(", ")} can't be drawn. Is the file still at its place? Choose other pages.`;
      return;
    }
    dialog.close();
    find(".paper")?.remove(); // of a browser that does not say when it has printed
    const paper = element("div", { class: "paper" }, sheets);
    document.body.append(paper);
    addEventListener("afterprint", () => paper.remove(), { once: true });
    print();
  }
}
