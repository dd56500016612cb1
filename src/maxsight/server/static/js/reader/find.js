// Find a text in the whole document, also on pages that are not drawn.

import { api } from "../api.js";
import { announce, element, icon } from "../dom.js";
import { count } from "../format.js";
import { placeOf } from "../thumbnail.js";

const TYPING_MS = 250;

export class FindBar {
  constructor(reader, strip, documentOf) {
    Object.assign(this, { reader, strip, documentOf });
    this.found = []; // the first places in order: {id, number, regions}
    this.total = 0; // of all places
    this.at = -1;
    this.input = element("input", { type: "search", dir: "auto", "aria-label": "Find in this document", placeholder: "Find in this document", autocomplete: "off", spellcheck: "false", on: { input: (event) => event.isComposing || this.#typed(), compositionend: () => this.#typed(), keydown: (event) => event.isComposing || this.#key(event) } });
    this.said = element("span", { class: "where" });
    const button = (name, label, on) => element("button", { type: "button", class: "quiet icon-only", "aria-label": label, title: label, on: { click: on } }, icon(name));
    this.root = element("search", { class: "find", hidden: true }, this.input, this.said,
      button("up", "Previous place", () => this.step(-1)), button("down", "Next place", () => this.step(1)), button("close", "Close", () => this.close()));
  }

  get isOpen() { return !this.root.hidden; }
  get hasFocus() { return document.activeElement === this.input; }

  open() {
    this.root.hidden = false;
    const selected = String(getSelection()).trim();
    if (selected && selected.length < 100 && !selected.includes("\n")) this.input.value = selected;
    this.input.focus();
    this.input.select();
    if (this.input.value) this.#typed();
  }

  close() {
    if (!this.isOpen) return;
    this.root.hidden = true;
    this.#set([]);
    this.reader.scroller.focus({ preventScroll: true });
  }

  step(step) {
    if (!this.found.length) return;
    this.at = (this.at + step + this.found.length) % this.found.length;
    const { id } = this.found[this.at];
    if (this.reader.current?.id !== id) this.reader.goTo(id);
    for (const sheet of this.reader.seen) this.markOn(sheet);
    const mark = this.markOn(this.reader.byId.get(id));
    if (mark) this.reader.reveal(mark);
    this.#tell();
  }

  /** Mark the places on a page; gives the mark of the place that was stepped to. */
  markOn(sheet) {
    const here = this.found.map((place, index) => ({ ...place, index })).filter(({ id }) => id === sheet.id);
    let active = null;
    sheet.marks.found.replaceChildren(...here.flatMap(({ regions, index }) => regions.map((region) => {
      const mark = element("div", { class: index === this.at ? "found active" : "found", style: placeOf(region) });
      if (index === this.at) active ??= mark;
      return mark;
    })));
    if (active) this.reader.chosen = active;
    if (active && !sheet.isDrawn) sheet.draw(this.reader.zoom.width);
    return active;
  }

  #key(event) {
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #typed() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.#find(this.input.value.trim()), TYPING_MS);
  }

  async #find(text) {
    if (!text || !this.documentOf()) return this.#set([]);
    const own = (this.asking = {});
    try {
      const { total, pages } = await api.find(this.documentOf().document_id, text);
      if (own !== this.asking || !this.isOpen) return;
      this.#set(pages.flatMap(({ page_id: id, page_number: number, places }) => places.map((regions) => ({ id, number, regions }))), total);
      const here = this.reader.current?.number ?? 1;
      const after = this.found.findIndex(({ number }) => number >= here);
      this.at = (after < 0 ? 0 : after) - 1;
      if (this.found.length) this.step(1);
      announce(this.said.textContent);
    } catch (problem) {
      if (own === this.asking) this.said.textContent = problem.message;
    }
  }

  #set(found, total = 0) {
    this.found = found;
    this.total = total;
    this.at = -1;
    this.strip.show("found", found.map(({ id, regions }) => ({ id, y: regions[0]?.y0 ?? 0 })));
    for (const sheet of this.reader.seen) this.markOn(sheet);
    this.#tell();
  }

  #tell() {
    const all = count(this.total, "place") + (this.total > this.found.length ? `, the first ${count(this.found.length, "place")} are marked` : "");
    this.said.textContent = this.at >= 0 ? `${this.at + 1} of ${all}` : this.input.value.trim() && this.isOpen ? "not found" : "";
  }
}
